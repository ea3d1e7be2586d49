package lorikeet.runtime.adapter;

import java.nio.file.Path;
import lorikeet.kernels.Operations;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.ModelWeights;

/** Reads adapters and gets them ready for the slabs of a device. Safe for use by several threads. */
public final class DeviceAdapters implements AdapterSource {
    /** Slabs that an adapter must leave for the text that it is used for. */
    private static final int LEAST_LEFT = 1;

    private final ModelWeights base;
    private final Operations operations;
    private final SlabPool pool;

    /** Adapters for a model, on the device whose operations and slabs these are. */
    public DeviceAdapters(ModelWeights base, Operations operations, SlabPool pool) {
        this.base = base;
        this.operations = operations;
        this.pool = pool;
    }

    @Override
    public LoadedAdapter load(Path folder) {
        LoadedAdapter loaded = AdapterLoader.load(folder, base, operations);
        try {
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
}
