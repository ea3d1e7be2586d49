package lorikeet.runtime;

import java.util.Optional;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.bindings.LibraryNotFoundException;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.kernels.cuda.CudaOperations;

/** Opens the device that the options name. */
public final class Devices {
    private Devices() {}

    /**
     * A device that is open.
     *
     * @param operations the caller closes them
     * @param description the device in one line, and with {@link Device#AUTO} why it is no GPU
     */
    public record Opened(Operations operations, String description) {}

    /**
     * Opens a device.
     *
     * @param threads threads that compute on the CPU
     * @throws LorikeetException INVALID_REQUEST if the one that is named isn't there or can't be used
     */
    public static Opened open(Device device, int threads) {
        return switch (device) {
            case Device.Cpu cpu -> opened(new CpuOperations(threads));
            case Device.Cuda(int ordinal) -> opened(cuda(ordinal, threads));
            case Device.Auto auto -> auto(threads);
        };
    }

    private static Opened opened(Operations operations) {
        return new Opened(operations, operations.describe());
    }

    private static Opened auto(int threads) {
        try {
            return opened(cuda(-1, threads));
        } catch (LorikeetException e) {
            // The first line says what is missing, the others where it was looked for.
            String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("unknown");
            Operations operations = new CpuOperations(threads);
            return new Opened(operations, operations.describe() + " (no GPU: " + reason + ")");
        }
    }

    private static Operations cuda(int ordinal, int threads) {
        CudaProbe.Available driver = switch (CudaDriver.probe()) {
            case CudaProbe.Available available -> available;
            case CudaProbe.Absent absent -> throw none(absent.reason());
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
        try {
            boolean records = Boolean.parseBoolean(System.getProperty("lorikeet.cuda.graphs", "true"));
            return CudaOperations.open(driver, device, threads, records);
        } catch (LibraryNotFoundException e) {
            throw none(String.valueOf(e.getMessage()));
        } catch (UnsupportedOperationException e) {
            throw none(String.valueOf(e.getMessage()));
        }
    }

    private static LorikeetException none(String reason) {
        return new LorikeetException(ErrorCode.INVALID_REQUEST, reason);
    }
}
