package lorikeet.runtime.adapter;

import java.nio.file.Path;
import lorikeet.kernels.Operations;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ModelWeights;

/** Reads adapters and gets them ready for the slabs of a device. Safe for use by several threads. */
public final class DeviceAdapters implements AdapterSource {
    /** Slabs that an adapter must leave for the text that it is used for. */
    private static final int LEAST_LEFT = 1;

    private final Checkpoint checkpoint;
    private final ModelWeights base;
    private final Operations operations;
    private final SlabPool pool;

    /**
     * Adapters for a model, on the device whose operations and slabs these are. Owns none of them; all must stay open as
     * long as adapters are loaded.
     *
     * @param checkpoint the model as it lies in its files, which adapters are compared with
     * @param base its weights, handed to the device
     */
    public DeviceAdapters(Checkpoint checkpoint, ModelWeights base, Operations operations, SlabPool pool) {
        this.checkpoint = checkpoint;
        this.base = base;
        this.operations = operations;
        this.pool = pool;
    }

    @Override
    public LoadedAdapter load(Path folder) {
        LoadedAdapter loaded = compare(folder);
        try {
            // What was computed from the base model's pages counts only if they were all there.
            checkpoint.checkIntact();
            loaded.prepare(operations, pool.slabBytes());
            int slabs = loaded.plan().slabs();
            if (slabs > pool.capacity() - LEAST_LEFT) {
                throw new LorikeetException(
                        ErrorCode.NO_ROOM,
                        folder + ": the adapter takes " + slabs + " slabs of " + pool.slabBytes()
                                + " bytes; the pool has " + pool.capacity() + ", and texts need some of them");
            }
            return loaded;
        } catch (RuntimeException | Error e) {
            loaded.close();
            throw e;
        }
    }

    /** Loads an adapter. What looks like its fault may be the base model's, whose file was cut short meanwhile. */
    private LoadedAdapter compare(Path folder) {
        try {
            return AdapterLoader.loadRegistered(folder, base, operations);
        } catch (InternalError e) {
            throw orCut(e);
        } catch (LorikeetException e) {
            throw e.code() == ErrorCode.INCOMPATIBLE ? orCut(e) : e;
        }
    }

    /** The failure, unless the base model was cut short; then that is thrown. */
    private <E extends Throwable> E orCut(E failure) {
        try {
            checkpoint.checkIntact();
            return failure;
        } catch (LorikeetException cut) {
            cut.addSuppressed(failure);
            throw cut;
        }
    }
}
