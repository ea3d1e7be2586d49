package lorikeet.kernels.cuda;

/**
 * What can be switched off, and on.
 *
 * @param recordsSteps whether decode steps are recorded and replayed
 * @param registersFiles whether mapped files are page-locked, so that the device copies from them itself
 * @param batchInvariant whether a token's results have the same bits whatever else is in its step, and however its text
 *     is cut into steps; costs time
 */
public record CudaSettings(boolean recordsSteps, boolean registersFiles, boolean batchInvariant) {
    /** As the properties {@code lorikeet.cuda.graphs} and {@code lorikeet.cuda.register} say; both are true if not set. */
    public static CudaSettings ofThisProcess(boolean batchInvariant) {
        return new CudaSettings(isOn("lorikeet.cuda.graphs"), isOn("lorikeet.cuda.register"), batchInvariant);
    }

    private static boolean isOn(String property) {
        return Boolean.parseBoolean(System.getProperty(property, "true"));
    }
}
