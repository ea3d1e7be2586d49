package lorikeet.runtime.cli;

import java.io.PrintWriter;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * The command {@code lorikeet}. It exits with 0 when all went well, 1 when the work failed, and 2 when it was called in
 * a wrong way.
 */
@Command(
        name = "lorikeet",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            DemoCommand.class,
            GenerateCommand.class,
            ServeCommand.class,
            InspectCommand.class,
            SelftestCommand.class,
            VerifyCommand.class
        },
        description = "Serves one base model and many LoRA adapters on it.",
        footer = {"", "In a source tree, 'lorikeet bench' runs the benchmarks.", ""})
public final class Main implements Runnable {
    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    Main() {}

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "Which command?");
    }

    /** Runs the command and ends the JVM with its exit status. */
    public static void main(String[] args) {
        System.exit(commandLine("1".equals(System.getenv("LORIKEET_DEBUG"))).execute(args));
    }

    /** The command, reporting errors in one line, or with their stack trace when debugging. */
    static CommandLine commandLine(boolean debug) {
        return new CommandLine(new Main())
                .setExecutionExceptionHandler((error, command, parsed) -> {
                    PrintWriter err = command.getErr();
                    if (debug) {
                        error.printStackTrace(err);
                    } else {
                        err.println("lorikeet: " + ErrorText.of(error));
                    }
                    err.flush();
                    boolean wrongUse =
                            error instanceof LorikeetException known && known.code() == ErrorCode.INVALID_REQUEST;
                    return wrongUse
                            ? command.getCommandSpec().exitCodeOnInvalidInput()
                            : command.getCommandSpec().exitCodeOnExecutionException();
                })
                .setParameterExceptionHandler((error, args) -> {
                    CommandLine command = error.getCommandLine();
                    String name = command.getCommandSpec().qualifiedName();
                    PrintWriter err = command.getErr();
                    err.println(name + ": " + error.getMessage());
                    if (!CommandLine.UnmatchedArgumentException.printSuggestions(error, err)) {
                        err.println("'" + name + " --help' shows how to use it.");
                    }
                    err.flush();
                    return command.getCommandSpec().exitCodeOnInvalidInput();
                });
    }
}
