package lorikeet.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.AdapterSummary;
import lorikeet.runtime.model.Checkpoint;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Configuration files that somebody broke, by chance or on purpose, are taken or refused, and nothing else happens. */
class ConfigFuzzTest {
    private static final JsonMapper MAPPER = JsonMapper.builder().build();
    private static final List<String> ODD_VALUES = List.of(
            "null",
            "true",
            "false",
            "-1",
            "0",
            "1",
            "3",
            "2.5",
            "1e400",
            "-1e-400",
            "2147483647",
            "-2147483648",
            "1000000000",
            "99999999999",
            "1e9",
            "123456789012345678901234567890",
            "1" + "0".repeat(400),
            "\"\"",
            "\"x\"",
            "\"8\"",
            "\"(\"",
            "[]",
            "{}",
            "[null]",
            "[-1]",
            "[[1, 2]]",
            "[\"full_attention\"]",
            "{\"a\": null}",
            "{\"default\": {}}",
            "{\"rope_type\": \"yarn\", \"factor\": 0.0001}",
            "[".repeat(3000) + "]".repeat(3000));

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({
        "llama3-rope, config.json",
        "llama-linear-v4, config.json",
        "qwen2-window, config.json",
        "qwen3-yarn-v4, config.json",
        "mistral, config.json",
        "qwen3, generation_config.json",
    })
    void brokenCheckpoints(String set, String name) throws IOException {
        Path model = copy(Golden.set(set).resolve("model"));
        fuzz(model.resolve(name), () -> {
            try (Checkpoint checkpoint = Checkpoint.open(model);
                    CpuOperations operations = new CpuOperations(1)) {
                checkpoint.weights(operations);
                checkpoint.config().rope().frequencies(1000);
            }
        });
    }

    @ParameterizedTest
    @CsvSource({
        "qwen3, patterns-rs",
        "qwen3, norms",
        "llama-linear-v4, tokens-apart",
        "llama-linear-v4, save-embed-tied",
        "llama3-rope, embed-dora",
        "llama3-rope, bias-r4",
    })
    void brokenAdapters(String set, String name) throws IOException {
        Path adapter = copy(Golden.set(set).resolve("adapters").resolve(name));
        try (Checkpoint checkpoint = Checkpoint.open(Golden.set(set).resolve("model"));
                CpuOperations operations = new CpuOperations(1)) {
            fuzz(adapter.resolve("adapter_config.json"), () -> {
                AdapterSummary.open(adapter).close();
                AdapterLoader.load(adapter, checkpoint.weights(operations), operations)
                        .close();
            });
        }
    }

    private void fuzz(Path file, Runnable open) throws IOException {
        String sound = Files.readString(file);
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 400; round++) {
            String broken = random.nextInt(3) == 0 ? scrambled(sound, random) : withOddValues(sound, random);
            Files.writeString(file, broken);
            assertThatCode(() -> {
                        try {
                            open.run();
                        } catch (LorikeetException e) {
                            // Refused, as it should be.
                        }
                    })
                    .as("seed %d, round %d: %.2000s", seed, round, broken)
                    .doesNotThrowAnyException();
            if (OS.LINUX.isCurrentOs()) {
                assertThat(Held.mappedFiles(folder.toString()))
                        .as("mappings that are left; seed %d, round %d: %.2000s", seed, round, broken)
                        .isZero();
            }
        }
    }

    /** Some characters lost, doubled or changed. */
    private static String scrambled(String sound, SplittableRandom random) {
        StringBuilder text = new StringBuilder(sound);
        for (int i = 0; i <= random.nextInt(4); i++) {
            int from = random.nextInt(text.length());
            int to = Math.min(text.length(), from + random.nextInt(1, 12));
            switch (random.nextInt(3)) {
                case 0 -> text.delete(from, to);
                case 1 -> text.insert(from, text.substring(from, to));
                default -> text.setCharAt(from, (char) random.nextInt(0, 0x250));
            }
        }
        return text.isEmpty() ? "{" : text.toString();
    }

    /** Sound JSON in which some fields, at the top or below, have values that don't belong there. */
    private static String withOddValues(String sound, SplittableRandom random) {
        Map<String, String> fields = fields(MAPPER.readTree(sound));
        for (int i = 0; i <= random.nextInt(3); i++) {
            List<String> names = new ArrayList<>(fields.keySet());
            String name = names.get(random.nextInt(names.size()));
            JsonNode value = MAPPER.readTree(sound).get(name);
            if (value != null && value.isObject() && !value.isEmpty() && random.nextInt(3) > 0) {
                fields.put(name, withOddValues(value.toString(), random));
            } else if (random.nextInt(6) == 0) {
                fields.remove(name);
            } else {
                fields.put(name, ODD_VALUES.get(random.nextInt(ODD_VALUES.size())));
            }
            if (fields.isEmpty()) {
                break;
            }
        }
        return fields.entrySet().stream()
                .map(field -> MAPPER.writeValueAsString(field.getKey()) + ": " + field.getValue())
                .collect(Collectors.joining(", ", "{", "}"));
    }

    private static Map<String, String> fields(JsonNode object) {
        Map<String, String> fields = new LinkedHashMap<>();
        object.properties()
                .forEach(field -> fields.put(field.getKey(), field.getValue().toString()));
        return fields;
    }

    private Path copy(Path from) throws IOException {
        Path to = Files.createDirectories(folder.resolve("copy"));
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        }
        return to;
    }
}
