package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.TestDevice;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A server that remembers its adapters, on a disk that is full. */
final class StateFileTest {
    @TempDir
    private Path folder;

    private RunningServer start() {
        return new RunningServer(TestDevice.OPTIONS.stateFile(folder.resolve("state.json")), it -> it);
    }

    private static RunningServer.Answer call(RunningServer server, String path, String name) throws Exception {
        return server.post(path, "{'lora_name': '" + name + "', 'lora_path': '" + Demo.adapter("to-roman") + "'}");
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "/dev/full is a full disk")
    void aFullDiskRefusesChangesAndChangesNothing() throws Exception {
        try (RunningServer server = start()) {
            assertThat(call(server, "/load_lora_adapter", "first").status()).isEqualTo(200);
            String before = Files.readString(folder.resolve("state.json"));
            // Each failed write takes the link away.
            for (List<String> change :
                    List.of(List.of("/load_lora_adapter", "second"), List.of("/v1/load_lora_adapter", "second"))) {
                Files.createSymbolicLink(folder.resolve("state.json.new"), Path.of("/dev/full"));
                RunningServer.Answer refused = call(server, change.getFirst(), change.getLast());
                assertThat(refused.status()).as(refused.body()).isEqualTo(400);
                assertThat(refused.body()).contains("state file", "No space left");
            }
            Files.createSymbolicLink(folder.resolve("state.json.new"), Path.of("/dev/full"));
            RunningServer.Answer kept = server.post("/unload_lora_adapter", "{'lora_name': 'first'}");
            assertThat(kept.status()).as(kept.body()).isEqualTo(400);
            Files.createSymbolicLink(folder.resolve("state.json.new"), Path.of("/dev/full"));
            RunningServer.Answer loose = server.post("/pin_lora_adapter", "{'lora_name': 'first', 'pinned': true}");
            assertThat(loose.status()).as(loose.body()).isEqualTo(400);
            assertThat(server.get("/adapters").json().path("adapters").size()).isEqualTo(1);
            assertThat(server.get("/adapters").json().at("/adapters/0/pinned").booleanValue())
                    .isFalse();
            assertThat(server.post("/v1/completions", "{'model': 'first', 'prompt': '7 =>', 'temperature': 0}")
                            .status())
                    .isEqualTo(200);
            assertThat(Files.readString(folder.resolve("state.json"))).isEqualTo(before);
            assertThat(call(server, "/load_lora_adapter", "second").status()).isEqualTo(200);
        }
        try (RunningServer server = start()) {
            assertThat(server.get("/v1/models").body()).contains("\"first\"", "\"second\"");
        }
    }
}
