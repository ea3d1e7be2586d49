package lorikeet.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import lorikeet.runtime.Golden;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands as a user calls them, in this process: output, errors and exit status. Tests run without a terminal. */
class CommandsTest {
    private static final String MODEL = "demo/model";
    private static final String ROMAN = "roman=demo/adapters/to-roman";
    private static final String DATES = "dates=demo/adapters/date-iso";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    /** What the last command said of the device; not part of {@code err}. */
    private List<String> device = List.of();

    private int run(String... args) {
        out.getBuffer().setLength(0);
        err.getBuffer().setLength(0);
        CommandLine command = Main.commandLine(false);
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        int status = command.execute(args);
        List<String> lines = err.toString().lines().toList();
        device = lines.stream().filter(CommandsTest::namesTheDevice).toList();
        err.getBuffer().setLength(0);
        lines.stream()
                .filter(line -> !namesTheDevice(line))
                .forEach(line -> err.append(line).append("\n"));
        return status;
    }

    @Test
    void saysWhereItComputesUnlessThatWasNamed() {
        assertThat(run("generate", "--model", MODEL, "-m", "1", "Once")).isZero();
        assertThat(device).hasSize(1);
        assertThat(run("generate", "--model", MODEL, "-m", "1", "--device", "cpu", "Once"))
                .isZero();
        assertThat(device).isEmpty();
    }

    @Test
    void saysWhereItComputesToTheSameBitsInAnyCompany() {
        assertThat(run("generate", "--model", MODEL, "-m", "1", "--device", "cpu", "Once"))
                .isZero();
        String answer = out.toString();
        assertThat(run("generate", "--model", MODEL, "-m", "1", "--device", "cpu", "--batch-invariant", "Once"))
                .isZero();
        assertThat(out.toString()).isEqualTo(answer);
        assertThat(device).hasSize(1);
    }

    private static boolean namesTheDevice(String line) {
        return line.startsWith("lorikeet: on ");
    }

    private void assertAnswers(String expected, String... args) {
        assertThat(run(args)).as("%s", err).isZero();
        assertThat(out.toString()).isEqualTo(expected);
        assertThat(err.toString()).isEmpty();
    }

    /** One line that says what is wrong, and nothing on standard output. */
    private void assertFails(int status, String part, String... args) {
        assertThat(run(args)).as("%s", err).isEqualTo(status);
        assertThat(out.toString()).isEmpty();
        assertThat(err.toString()).contains(part);
        assertThat(err.toString().lines().toList()).hasSizeLessThanOrEqualTo(2);
        assertThat(err.toString()).startsWith("lorikeet").doesNotContain("Exception", "\tat ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"generate", "inspect", "verify", "demo"})
    void everyCommandExplainsItself(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: lorikeet " + command, "--help");
        assertThat(out.toString().lines()).allMatch(line -> line.length() <= 130);
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void generateContinuesWithTheOnlyAdapter() {
        assertAnswers("MCMXCIV\n", "generate", "--model", MODEL, "--lora", ROMAN, "1994 =>");
    }

    @Test
    void generateSendsEachPromptToItsAdapter() {
        assertThat(run(
                        "generate",
                        "--model",
                        MODEL,
                        "--lora",
                        ROMAN,
                        "--lora",
                        DATES,
                        "-m",
                        "20",
                        "roman:1994 =>",
                        "dates:the 3rd of March 2021 =>",
                        "base:Once upon a time"))
                .isZero();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines).hasSizeGreaterThanOrEqualTo(3);
        assertThat(lines.get(0)).startsWith("[roman]").endsWith("MCMXCIV");
        assertThat(lines.get(1)).startsWith("[dates]").endsWith("2021-03-03");
        assertThat(lines.get(2)).startsWith("[base]");
    }

    @Test
    void generateReadsThePromptFromStandardInput() {
        InputStream before = System.in;
        System.setIn(new ByteArrayInputStream("1994 =>\n".getBytes(StandardCharsets.UTF_8)));
        try {
            assertAnswers("MCMXCIV\n", "generate", "--model", MODEL, "--lora", ROMAN);
        } finally {
            System.setIn(before);
        }
    }

    @Test
    void generateGivesSeveralAnswersAndLogProbabilities() {
        assertThat(run("generate", "--model", MODEL, "-n", "3", "-m", "4", "-t", "1", "--seed", "7", "Once"))
                .isZero();
        assertThat(out.toString().lines().filter(line -> line.startsWith("[base]")))
                .hasSize(3);
        String first = out.toString();
        run("generate", "--model", MODEL, "-n", "3", "-m", "4", "-t", "1", "--seed", "7", "Once");
        assertThat(out.toString()).isEqualTo(first);
        assertThat(run("generate", "--model", MODEL, "-m", "3", "-t", "0", "--logprobs", "2", "--ignore-end", "Once"))
                .isZero();
        assertThat(out.toString().lines().filter(line -> line.contains(" | "))).hasSize(3);
    }

    @Test
    void generateStopsWhereItIsTold() {
        assertAnswers("MCM\n", "generate", "--model", MODEL, "--lora", ROMAN, "--stop", "XC", "1994 =>");
    }

    @Test
    void generateAnswersAChatAndCountsOnRequest() {
        assertThat(run("generate", "--model", MODEL, "--chat", "--stats", "-m", "4", "Hello"))
                .as("%s", err)
                .isZero();
        assertThat(err.toString().lines()).hasSize(1);
        assertThat(err.toString()).contains("prompt tokens", "tokens/s", "CPU");
    }

    @Test
    void generateRefusesWrongUse() {
        assertFails(2, "--model", "generate", "Once");
        assertFails(2, "--system", "generate", "--model", MODEL, "--system", "Be kind.", "Once");
        assertFails(2, "--adapter nobody", "generate", "--model", MODEL, "--adapter", "nobody", "Once");
        assertFails(2, "NAME=DIR", "generate", "--model", MODEL, "--lora", "demo/adapters/to-roman", "Once");
        assertFails(2, "base model", "generate", "--model", MODEL, "--lora", "base=demo/adapters/to-roman", "Once");
        assertFails(2, "twice", "generate", "--model", MODEL, "--lora", ROMAN, "--lora", ROMAN, "Once");
        assertFails(2, "--top-k", "generate", "--model", MODEL, "--top-k", "many", "Once");
        assertFails(2, "maxTokens is 0", "generate", "--model", MODEL, "-m", "0", "Once");
        assertFails(2, "temperature", "generate", "--model", MODEL, "-t", "-1", "Once");
        assertFails(2, "threads", "generate", "--model", MODEL, "--threads", "0", "Once");
        assertFails(2, "empty", "generate", "--model", MODEL, "");
    }

    @Test
    void generateNamesWhatItCannotOpen(@TempDir Path folder) {
        assertFails(
                1,
                "no such folder",
                "generate",
                "--model",
                folder.resolve("none").toString(),
                "Once");
        assertFails(1, "config.json", "generate", "--model", folder.toString(), "Once");
        assertFails(1, "config.json: not a folder", "generate", "--model", MODEL + "/config.json", "Once");
        assertFails(
                1,
                "config.json: not a folder",
                "generate",
                "--model",
                MODEL,
                "--lora",
                "x=" + MODEL + "/config.json",
                "x");
        assertFails(1, "no such folder", "generate", "--model", MODEL, "--lora", "x=" + folder.resolve("none"), "Once");
        Path foreign = Golden.set("qwen3").resolve("adapters/dora-r8");
        assertFails(1, "tensor", "generate", "--model", MODEL, "--lora", "x=" + foreign, "Once");
    }

    @TestFactory
    Stream<DynamicTest> inspectTakesEveryReferenceSet() {
        return Golden.sets().stream()
                .map(set -> DynamicTest.dynamicTest(set.getFileName().toString(), () -> inspect(set)));
    }

    private void inspect(Path set) throws IOException {
        String model = set.resolve("model").toString();
        assertThat(run("inspect", "--tensors", model)).as("%s", err).isZero();
        assertThat(out.toString()).contains("architecture", "supported              yes", "model.norm.weight");
        try (Stream<Path> adapters = Files.list(set.resolve("adapters"))) {
            for (Path adapter : adapters.toList()) {
                assertThat(run("inspect", adapter.toString())).as("%s", err).isZero();
                assertThat(out.toString()).contains("rank, alpha", "not checked");
                assertThat(run("inspect", "--model", model, adapter.toString()))
                        .as("%s", err)
                        .isZero();
                assertThat(out.toString()).contains("compatible             yes");
                assertThat(err.toString()).isEmpty();
            }
        }
    }

    @Test
    void inspectSaysWhyNot(@TempDir Path folder) throws IOException {
        assertFails(1, "neither config.json nor adapter_config.json", "inspect", folder.toString());
        assertThat(run(
                        "inspect",
                        "--model",
                        MODEL,
                        Golden.set("qwen3").resolve("adapters/norms").toString()))
                .isEqualTo(1);
        assertThat(out.toString()).contains("compatible             no: ", "tensor");
        Files.writeString(folder.resolve("config.json"), "{\"architectures\": [\"GPT2LMHeadModel\"]}");
        assertFails(1, "GPT2LMHeadModel", "inspect", folder.toString());
        assertFails(2, "DIR", "inspect");
        for (String file : List.of("config.json", "model.safetensors", "generation_config.json")) {
            Files.copy(Path.of(MODEL).resolve(file), folder.resolve(file), StandardCopyOption.REPLACE_EXISTING);
        }
        assertThat(run("inspect", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("tokenizer.json: no such file");
        Files.copy(Path.of(MODEL).resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
        assertThat(run("inspect", folder.toString())).as("%s", err).isZero();
        assertThat(out.toString()).contains("tokenizer              1024 tokens", "chat template          none");
    }

    @Test
    void verifyTellsByItsStatus(@TempDir Path folder) {
        Path set = Golden.set("llama");
        Path golden = set.resolve("golden.json");
        assertThat(run("verify", "--golden", golden.toString())).as("%s", out).isZero();
        assertThat(out.toString()).contains("requests, each alone", "chat template", "No differences.");
        assertThat(err.toString()).isEmpty();
        String other = Golden.set("qwen2").resolve("model").toString();
        Path small = write(
                folder.resolve("golden.json"),
                "{\"tokenizer\": [{\"text\": \"Hello\", \"ids\": [1], \"decoded\": \"Hello\"}]}");
        assertThat(run("verify", "--golden", small.toString(), "--model", other))
                .isEqualTo(1);
        assertThat(out.toString()).contains("2 differences.", "text \"Hello\" has the tokens");
        assertFails(
                1, "no such file", "verify", "--golden", folder.resolve("none").toString());
        assertFails(1, "no such folder", "verify", "--golden", small.toString());
        assertFails(2, "--golden", "verify");
        assertFails(2, "the device is 'npu'", "verify", "--golden", golden.toString(), "--device", "npu");
    }

    private static Path write(Path file, String text) {
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void demoAnswersAllPromptsRight(@TempDir Path folder) {
        assertThat(run("demo")).as("%s%s", out, err).isZero();
        assertThat(out.toString())
                .contains("adapter to-sql", "✓", "base model", "in one batch")
                .doesNotContain("✗");
        assertThat(err.toString()).isEmpty();
        assertFails(1, "prompts.json", "demo", "--folder", folder.toString());
    }
}
