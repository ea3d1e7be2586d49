package lorikeet.bindings;

/** A call of the CUDA driver failed. Errors of earlier asynchronous work surface in later calls too. */
public sealed class CudaException extends RuntimeException permits CudaOutOfMemoryException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String statusName;
    private final String operation;

    CudaException(String operation, int status, String statusName, String description) {
        super(operation + " failed: " + statusName + " (" + status + "): " + description);
        this.operation = operation;
        this.status = status;
        this.statusName = statusName;
    }

    /** The CUresult's number. */
    public int status() {
        return status;
    }

    /** The CUresult's name, such as {@code CUDA_ERROR_INVALID_VALUE}. */
    public String statusName() {
        return statusName;
    }

    /** What was attempted. */
    public String operation() {
        return operation;
    }
}
