package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Turns the status that every call of the driver returns into an exception. Nothing is allocated when a call
 * succeeded, so the operation is a constant and the text is made on failure only. Thread-safe.
 */
public final class CudaStatus {
    // CUresult, as in cuda.h; written out because reading a generated constant initialises the generated class.
    static final int SUCCESS = 0;
    static final int OUT_OF_MEMORY = 2;
    static final int NOT_READY = 600;

    private final DriverCalls driver;

    CudaStatus(DriverCalls driver) {
        this.driver = driver;
    }

    /**
     * Does nothing for a call that succeeded.
     *
     * @param operation what was attempted, by the name of the driver's function
     * @throws CudaOutOfMemoryException if the status says that memory ran out
     * @throws CudaException for every other status than success
     */
    public void check(int status, String operation) {
        if (status != SUCCESS) {
            throw failure(status, operation);
        }
    }

    /**
     * As {@link #check}, for a call that asks for memory.
     *
     * @param bytes the size that was asked for, for the message
     */
    public void checkAllocation(int status, String operation, long bytes) {
        if (status != SUCCESS) {
            throw failure(status, operation + " of " + bytes + " bytes");
        }
    }

    /**
     * Reads the answer of a query of a stream or an event.
     *
     * @return whether the work is done
     * @throws CudaException if the status is neither success nor 'not ready'
     */
    public boolean isDone(int status, String operation) {
        if (status == NOT_READY) {
            return false;
        }
        check(status, operation);
        return true;
    }

    /** What a status says, for messages. */
    String text(int status, String operation) {
        return String.valueOf(failure(status, operation).getMessage());
    }

    private CudaException failure(int status, String operation) {
        String name;
        String description;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(ADDRESS);
            name = driver.getErrorName(status, text) == SUCCESS ? string(text) : "unknown CUresult";
            description = driver.getErrorString(status, text) == SUCCESS
                    ? string(text)
                    : "the driver has no description of it";
        }
        return status == OUT_OF_MEMORY
                ? new CudaOutOfMemoryException(operation, status, name, description)
                : new CudaException(operation, status, name, description);
    }

    @SuppressWarnings("restricted") // the driver's strings carry no length
    private static String string(MemorySegment pointer) {
        return pointer.get(ADDRESS, 0).reinterpret(Long.MAX_VALUE).getString(0);
    }
}
