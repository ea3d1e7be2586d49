package lorikeet.runtime.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Command;

final class MainTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @Test
    void versionIsThatOfTheModule() {
        assertThat(run(false, "--version")).isZero();
        assertThat(out.toString()).matches("lorikeet \\d+\\.\\d+\\S*\\R(?s).*");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void helpGoesToStandardOutput() {
        assertThat(run(false, "--help")).isZero();
        assertThat(out.toString()).startsWith("Usage: lorikeet");
        assertThat(err.toString()).isEmpty();
    }

    @Test
    void wrongUseIsTwo() {
        assertThat(run(false)).isEqualTo(2);
        assertThat(run(false, "--no-such-option")).isEqualTo(2);
        assertThat(err.toString()).contains("lorikeet: Unknown option: '--no-such-option'", "lorikeet --help");
        assertThat(out.toString()).isEmpty();
    }

    @Test
    void failureIsOneLineAndOne() {
        assertThat(run(false, "fail")).isEqualTo(1);
        assertThat(err.toString()).isEqualTo("lorikeet: no such file: weights.safetensors" + System.lineSeparator());
    }

    @Test
    void debuggingShowsWhere() {
        assertThat(run(true, "fail")).isEqualTo(1);
        assertThat(err.toString()).contains("NoSuchFileException", "at ", "MainTest");
    }

    private int run(boolean debug, String... args) {
        CommandLine command = Main.commandLine(debug);
        command.addSubcommand(new Fail());
        command.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
        return command.execute(args);
    }

    @Command(name = "fail")
    private static final class Fail implements Callable<Integer> {
        @Override
        public Integer call() throws NoSuchFileException {
            throw new NoSuchFileException("weights.safetensors");
        }
    }
}
