package lorikeet.kernels.cuda;

/**
 * What can be switched off.
 *
 * @param recordsSteps whether decode steps are recorded and replayed
 * @param registersFiles whether mapped files are page-locked, so that the device copies from them itself
 */
public record CudaSettings(boolean recordsSteps, boolean registersFiles) {
    /** As the properties {@code lorikeet.cuda.graphs} and {@code lorikeet.cuda.register} say; both are true if not set. */
    public static CudaSettings ofThisProcess() {
        return new CudaSettings(isOn("lorikeet.cuda.graphs"), isOn("lorikeet.cuda.register"));
    }

    private static boolean isOn(String property) {
        return Boolean.parseBoolean(System.getProperty(property, "true"));
    }
}
