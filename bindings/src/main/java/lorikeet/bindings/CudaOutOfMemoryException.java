package lorikeet.bindings;

/** The device, or the host's page-locked memory, has no room: to be answered by evicting, waiting or refusing. */
public final class CudaOutOfMemoryException extends CudaException {
    private static final long serialVersionUID = 1L;

    CudaOutOfMemoryException(String operation, int status, String statusName, String description) {
        super(operation, status, statusName, description);
    }
}
