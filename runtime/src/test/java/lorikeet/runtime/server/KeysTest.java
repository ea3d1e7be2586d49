package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.TestDevice;
import lorikeet.runtime.server.http.HttpLimits;
import org.junit.jupiter.api.Test;

/** Who may do what. */
final class KeysTest {
    private static final List<String> OPEN =
            List.of("/", "/page.js", "/page.css", "/health", "/health_generate", "/metrics");
    private static final List<String> USE = List.of("/v1/models", "/get_model_info", "/adapters");
    private static final List<String> ADMIN = List.of(
            "/load_lora_adapter",
            "/unload_lora_adapter",
            "/pin_lora_adapter",
            "/v1/load_lora_adapter",
            "/v1/unload_lora_adapter");

    private static String[] bearer(String key) {
        return new String[] {"Authorization", "Bearer " + key};
    }

    @Test
    void withBothKeys() throws Exception {
        try (RunningServer server = RunningServer.withKeys("use", "admin")) {
            for (String path : OPEN) {
                assertThat(server.get(path).status()).as(path).isEqualTo(200);
            }
            for (String path : USE) {
                assertThat(server.get(path).status()).as(path).isEqualTo(401);
                assertThat(server.get(path, bearer("wrong")).status()).isEqualTo(401);
                assertThat(server.get(path, "Authorization", "Basic dXNlOnVzZQ==")
                                .status())
                        .isEqualTo(401);
                assertThat(server.get(path, bearer("use")).status()).isEqualTo(200);
                assertThat(server.get(path, bearer("admin")).status()).isEqualTo(200);
            }
            for (String path : ADMIN) {
                assertThat(server.post(path, "{}").status()).as(path).isEqualTo(401);
                RunningServer.Answer user = server.post(path, "{}", bearer("use"));
                assertThat(user.status()).as(path).isEqualTo(403);
                assertThat(user.error().path("code").stringValue()).isEqualTo("admin_key_required");
                assertThat(server.post(path, "{}", bearer("admin")).status()).isEqualTo(400);
            }
            RunningServer.Answer refused = server.get("/v1/models");
            assertThat(refused.error().path("code").stringValue()).isEqualTo("invalid_api_key");
            assertThat(refused.response().headers().firstValue("WWW-Authenticate"))
                    .contains("Bearer");
        }
    }

    @Test
    void withAKeyForUseNobodyChangesAdapters() throws Exception {
        try (RunningServer server = RunningServer.withKeys("use", "")) {
            assertThat(server.get("/v1/models", bearer("use")).status()).isEqualTo(200);
            RunningServer.Answer refused = server.post("/load_lora_adapter", "{}", bearer("use"));
            assertThat(refused.status()).isEqualTo(403);
            assertThat(refused.error().path("message").stringValue()).contains("without an administrator's key");
        }
    }

    @Test
    void withAnAdministratorsKeyAloneEverybodyUses() throws Exception {
        try (RunningServer server = RunningServer.withKeys("", "admin")) {
            assertThat(server.get("/v1/models").status()).isEqualTo(200);
            assertThat(server.post("/load_lora_adapter", "{}").status()).isEqualTo(401);
            assertThat(server.post("/load_lora_adapter", "{}", bearer("admin")).status())
                    .isEqualTo(400);
        }
    }

    @Test
    void listensElsewhereOnlyWithAKeyOrWhenToldTo() {
        assertThatThrownBy(() -> start("0.0.0.0", Optional.empty(), false))
                .isInstanceOfSatisfying(
                        LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining("--api-key-file");
        start("0.0.0.0", Optional.of("key"), false).close();
        start("0.0.0.0", Optional.empty(), true).close();
        start("::1", Optional.empty(), false).close();
    }

    private static RunningServer start(String host, Optional<String> key, boolean openToAll) {
        return new RunningServer(
                TestDevice.OPTIONS,
                settings -> RunningServer.settings(host, key, Optional.empty(), openToAll, HttpLimits.DEFAULT));
    }
}
