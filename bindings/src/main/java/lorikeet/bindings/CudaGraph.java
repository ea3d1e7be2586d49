package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/** Recorded work that can be started as a whole, again and again. Its maker closes it when it isn't running. */
public final class CudaGraph implements AutoCloseable {
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment executable;

    CudaGraph(DeviceCalls calls, CudaStatus status, MemorySegment executable) {
        this.calls = calls;
        this.status = status;
        this.executable = executable;
    }

    /** Puts the work into a stream. Allocates nothing. */
    public void launch(CudaStream stream) {
        status.check(calls.graphLaunch(executable, stream.handle()), "cuGraphLaunch");
    }

    @Override
    public void close() {
        status.check(calls.graphExecDestroy(executable), "cuGraphExecDestroy");
    }
}
