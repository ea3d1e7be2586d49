package lorikeet.runtime;

import java.util.Optional;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.bindings.LibraryNotFoundException;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.kernels.cuda.CudaOperations;
import lorikeet.kernels.cuda.CudaSettings;
import lorikeet.kernels.cuda.CudaShapes;
import lorikeet.runtime.model.ModelConfig;

/** Opens the device that the options name. */
public final class Devices {
    private Devices() {}

    /**
     * A device that is open.
     *
     * @param operations the caller closes them
     * @param description the device in one line, and with {@link DeviceChoice#AUTO} why it is no GPU
     */
    public record Opened(Operations operations, String description) {}

    /**
     * Opens a device for models that it takes, whatever those are.
     *
     * @param threads threads that compute on the CPU
     * @throws LorikeetException INVALID_REQUEST if the one that is named isn't there or can't be used
     */
    public static Opened open(DeviceChoice device, int threads) {
        return open(device, threads, false);
    }

    /**
     * The same.
     *
     * @param batchInvariant see {@link Options#batchInvariant(boolean)}
     */
    public static Opened open(DeviceChoice device, int threads, boolean batchInvariant) {
        return open(device, threads, batchInvariant, Optional.empty());
    }

    /**
     * Opens a device for a model. {@link DeviceChoice#AUTO} takes the CPU for one that the GPU doesn't take.
     *
     * @throws LorikeetException INVALID_REQUEST if the one that is named isn't there or can't be used, INCOMPATIBLE if it
     *     doesn't take a model of these dimensions
     */
    static Opened open(Options options, ModelConfig config) {
        Optional<String> refusal = CudaShapes.refusal(config.hidden(), config.headSize());
        if (options.batchInvariant() && refusal.isEmpty()) {
            refusal = CudaShapes.invariantRefusal(config.intermediate());
        }
        return open(options.device(), options.threads(), options.batchInvariant(), refusal);
    }

    private static Opened open(DeviceChoice device, int threads, boolean batchInvariant, Optional<String> refusal) {
        CudaSettings settings = CudaSettings.ofThisProcess(batchInvariant);
        return switch (device) {
            case DeviceChoice.Cpu cpu -> opened(new CpuOperations(threads));
            case DeviceChoice.Cuda(int ordinal) -> opened(cuda(ordinal, threads, settings, refusal, false));
            case DeviceChoice.Auto auto -> auto(threads, settings, refusal);
        };
    }

    private static Opened opened(Operations operations) {
        return new Opened(operations, operations.describe());
    }

    private static Opened auto(int threads, CudaSettings settings, Optional<String> refusal) {
        try {
            return opened(cuda(-1, threads, settings, refusal, true));
        } catch (LorikeetException e) {
            return cpuBecause(String.valueOf(e.getMessage()), threads);
        }
    }

    /** The CPU where {@link DeviceChoice#AUTO} would have taken a GPU, but for a reason. */
    static Opened cpuBecause(String reason, int threads) {
        Operations operations = new CpuOperations(threads);
        return new Opened(operations, operations.describe() + " (no GPU: " + reason + ")");
    }

    /** Opens a GPU; what is missing is said in one line if {@code brief}, else with where it was looked for. */
    private static Operations cuda(
            int ordinal, int threads, CudaSettings settings, Optional<String> refusal, boolean brief) {
        CudaProbe.Available driver = switch (CudaDriver.probe()) {
            case CudaProbe.Available available -> available;
            case CudaProbe.Absent absent -> throw none(brief ? absent.summary() : absent.reason());
            case CudaProbe.TooOld old -> throw none(old.summary());
        };
        Optional<CudaDevice> found = ordinal < 0
                ? driver.firstWith(CudaOperations.OLDEST)
                : driver.devices().stream()
                        .filter(device -> device.ordinal() == ordinal)
                        .findFirst();
        CudaDevice device = found.orElseThrow(() -> none(
                ordinal < 0
                        ? "no GPU has compute capability " + CudaOperations.OLDEST + " or newer: " + driver.summary()
                        : "there is no GPU " + ordinal + ": " + driver.summary()));
        if (device.capability().compareTo(CudaOperations.OLDEST) < 0) {
            throw none("GPU " + device + "; " + CudaOperations.OLDEST + " or newer is needed");
        }
        if (refusal.isPresent()) {
            throw new LorikeetException(ErrorCode.INCOMPATIBLE, refusal.get());
        }
        try {
            return CudaOperations.open(driver, device, threads, settings);
        } catch (LibraryNotFoundException e) {
            throw none(brief ? e.summary() : String.valueOf(e.getMessage()));
        } catch (UnsupportedOperationException e) {
            throw none(String.valueOf(e.getMessage()));
        }
    }

    private static LorikeetException none(String reason) {
        return new LorikeetException(ErrorCode.INVALID_REQUEST, reason);
    }
}
