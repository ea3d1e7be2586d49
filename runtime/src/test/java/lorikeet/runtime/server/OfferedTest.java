package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.AdapterVariants;
import lorikeet.runtime.Generation;
import lorikeet.runtime.Options;
import lorikeet.runtime.Request;
import lorikeet.runtime.TestDevice;
import lorikeet.runtime.TokenListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A folder that offers more adapters than may be loaded. */
@Timeout(300)
final class OfferedTest {
    private static final int OFFERED = 20;
    private static final int LOADED = 4;
    private static final int CLIENTS = 32;
    private static final int REQUESTS = 300;

    @TempDir
    private Path temp;

    @Test
    void allAreServedHoweverManyAreAskedForAtOnce() throws Exception {
        AdapterVariants variants = new AdapterVariants(temp, OFFERED);
        List<Integer> asked = new ArrayList<>(
                IntStream.range(0, REQUESTS).mapToObj(i -> i % OFFERED).toList());
        Collections.shuffle(asked, new Random(5));
        Options options = TestDevice.OPTIONS.adapterFolder(temp).loadedAdapters(LOADED);
        try (RunningServer server = new RunningServer(AdapterVariants.MODEL, options, it -> it);
                ExecutorService clients = Executors.newFixedThreadPool(CLIENTS)) {
            List<Future<RunningServer.Answer>> answers = new ArrayList<>();
            for (int variant : asked) {
                String body = RunningServer.JSON.writeValueAsString(Map.of(
                        "input_ids",
                        AdapterVariants.PROMPT,
                        "lora_path",
                        String.valueOf(variant),
                        "sampling_params",
                        Map.of("temperature", 0, "ignore_eos", true, "max_new_tokens", AdapterVariants.TOKENS)));
                answers.add(clients.submit(() -> server.post("/generate", body)));
            }
            for (int i = 0; i < REQUESTS; i++) {
                RunningServer.Answer answer = answers.get(i).get();
                assertThat(answer.status()).as(answer.body()).isEqualTo(200);
                assertThat(answer.json().path("output_ids").valueStream().map(JsonNode::intValue))
                        .as("adapter %d", asked.get(i))
                        .containsExactlyElementsOf(variants.answer(asked.get(i)));
            }
            assertThat(server.model.adapters()).hasSizeBetween(1, LOADED);
            Eventually.until(
                    "all that made room are gone",
                    () -> server.model.drainingAdapters().isEmpty());
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void whoeverHangsUpWhileItWaitsForRoomStandsInNobodysWay() throws Exception {
        Options options = TestDevice.OPTIONS.adapterFolder(Demo.ADAPTERS).loadedAdapters(1);
        try (RunningServer server = new RunningServer(options, it -> it);
                ExecutorService clients = Executors.newSingleThreadExecutor()) {
            Request work =
                    Request.text("fox").adapter("to-roman").maxTokens(200).ignoreEnd(true);
            List<Generation> holding = new ArrayList<>();
            for (int i = 0; i < 500; i++) {
                holding.add(server.model.submit(work, TokenListener.NONE));
            }
            try (RawClient gone = new RawClient(server.port())) {
                gone.post("/v1/completions", "{'model': 'to-sql', 'prompt': 'x'}");
                Eventually.until(
                        "it waits for room", () -> server.model.adapters().isEmpty());
            }
            Future<RunningServer.Answer> next =
                    clients.submit(() -> server.post("/v1/completions", "{'model': 'date-iso', 'prompt': 'x'}"));
            Eventually.until(
                    "the next one has room",
                    () -> server.model.adapters().stream().map(Adapter::name).anyMatch("date-iso"::equals));
            assertThat(server.model.drainingAdapters()).hasSize(1);
            holding.forEach(Generation::cancel);
            assertThat(next.get().status()).isEqualTo(200);
        }
    }
}
