package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What Prometheus and the gateway read. */
final class MetricsTest {
    @Test
    void tellsOfTheEngineAndOfEachAdapter() throws Exception {
        try (RunningServer server = RunningServer.start()) {
            server.load("to-roman");
            server.load("date-iso");
            server.post("/v1/completions", "{'model': 'to-roman', 'prompt': '1994 =>', 'temperature': 0}");
            server.post("/v1/completions", "{'model': 'nobody', 'prompt': '1994 =>'}");
            RunningServer.Answer answer = server.get("/metrics");
            assertThat(answer.response().headers().firstValue("Content-Type").orElseThrow())
                    .startsWith("text/plain; version=0.0.4");
            assertThat(answer.body().lines())
                    .contains(
                            "lorikeet_requests_running 0.0",
                            "lorikeet_requests_waiting 0.0",
                            "lorikeet_prompt_tokens_total 6.0",
                            "lorikeet_generated_tokens_total 8.0",
                            "lorikeet_prefix_hit_tokens_total 0.0",
                            "lorikeet_time_to_first_token_seconds_count 1",
                            "lorikeet_inter_token_latency_seconds_count 7",
                            "lorikeet_requests_ended_total{reason=\"stop\"} 1.0",
                            "lorikeet_adapter_resident{adapter=\"to-roman\"} 1.0",
                            "lorikeet_adapter_resident{adapter=\"date-iso\"} 0.0",
                            "lorikeet_adapter_loaded{adapter=\"date-iso\"} 1.0",
                            "lorikeet_adapter_loads_total{adapter=\"to-roman\"} 1.0",
                            "lorikeet_adapter_fetches_total{adapter=\"to-roman\"} 1.0",
                            "lorikeet_adapter_evictions_total{adapter=\"to-roman\"} 0.0",
                            "lorikeet_adapter_requests_total{adapter=\"to-roman\"} 1.0",
                            "lorikeet_adapter_requests_active{adapter=\"to-roman\"} 0.0",
                            "vllm:num_requests_running{model_name=\"demo\"} 0.0",
                            "vllm:num_requests_waiting{model_name=\"demo\"} 0.0",
                            "vllm:kv_cache_usage_perc{model_name=\"demo\"} 0.0",
                            "vllm:gpu_cache_usage_perc{model_name=\"demo\"} 0.0");
            assertThat(answer.body())
                    .containsPattern(
                            "vllm:lora_requests_info\\{max_lora=\"8\",running_lora_adapters=\"to-roman[^\"]*\","
                                    + "waiting_lora_adapters=\"\"} \\d")
                    .contains("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"");
        }
    }
}
