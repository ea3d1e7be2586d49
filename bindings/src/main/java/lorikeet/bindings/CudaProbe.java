package lorikeet.bindings;

import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Whether this process can use an NVIDIA GPU. */
public sealed interface CudaProbe {
    /** The answer in one line. */
    String summary();

    /**
     * The driver is new enough and has started.
     *
     * @param library the driver's file
     * @param version the newest CUDA that the driver supports
     * @param devices at least one, by ordinal
     */
    record Available(CudaDriver driver, FoundLibrary library, CudaVersion version, List<CudaDevice> devices)
            implements CudaProbe {
        public Available {
            devices = List.copyOf(devices);
        }

        /** The first device whose generation is at least the one given. */
        public Optional<CudaDevice> firstWith(ComputeCapability least) {
            return devices.stream()
                    .filter(device -> device.capability().compareTo(least) >= 0)
                    .findFirst();
        }

        @Override
        public String summary() {
            return devices.stream()
                    .map(CudaDevice::toString)
                    .collect(Collectors.joining("; ", "CUDA " + version + " from " + library.file() + ", GPU ", ""));
        }
    }

    /**
     * There is no driver, or it doesn't start, or it has no device.
     *
     * @param summary why, in one line
     * @param reason why, in full: for a driver that wasn't found, every place that was looked at
     */
    record Absent(String summary, String reason) implements CudaProbe {}

    /**
     * There is a driver, but it is older than what the kernels are built with.
     *
     * @param library the driver's file
     * @param found the newest CUDA that it supports
     * @param needed the oldest that is accepted
     */
    record TooOld(FoundLibrary library, CudaVersion found, CudaVersion needed) implements CudaProbe {
        @Override
        public String summary() {
            return "the CUDA driver " + library.file() + " supports CUDA " + found + ", needed is "
                    + library.library().needed();
        }
    }
}
