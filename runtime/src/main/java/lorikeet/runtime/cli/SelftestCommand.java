package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.Callable;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import lorikeet.runtime.verify.DeviceCheck;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lorikeet selftest}: whether a device computes what it should. */
@Command(
        name = "selftest",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        header = "Tests that a device computes what it should.",
        description = {
            "",
            "Runs random steps of random small models, with adapters of all kinds, and compares what every operation",
            "leaves behind with the CPU. Exits with 0 if all is well, else with 1."
        })
final class SelftestCommand implements Callable<Integer> {
    private static final double LIMIT = 3e-2;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "auto, cpu, cuda, or cuda:N.")
    private String device = "auto";

    @Option(names = "--models", paramLabel = "N", defaultValue = "20", description = "Try N random models.")
    private int models = 20;

    @Option(names = "--seed", paramLabel = "SEED", defaultValue = "1", description = "The first model's seed.")
    private long seed = 1;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before it runs the command
    private CommandSpec spec;

    SelftestCommand() {}

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        int failed = 0;
        try (Operations operations =
                        Devices.open(DeviceChoice.parse(device), THREADS).operations();
                Operations reference = new CpuOperations(THREADS)) {
            out.println(operations.describe());
            DeviceCheck check = new DeviceCheck(operations, reference, LIMIT);
            for (int i = 0; i < models; i++) {
                DeviceCheck.Result result = check.run(seed + i);
                out.printf(
                        Locale.ROOT,
                        "model %3d  %-8s error %.4f  %s%n",
                        seed + i,
                        result.differences().isEmpty() ? "ok" : "WRONG",
                        result.largestError(),
                        result.shape());
                result.differences().stream().limit(12).forEach(line -> out.println("    " + line));
                out.flush();
                failed += result.differences().isEmpty() ? 0 : 1;
            }
        }
        out.println(failed == 0 ? "All is well." : failed + " of " + models + " models are wrong.");
        out.flush();
        return failed == 0 ? 0 : 1;
    }
}
