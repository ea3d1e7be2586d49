package lorikeet.runtime.engine;

import lorikeet.kernels.AdapterWeights;
import lorikeet.memory.InvalidFileException;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;

/** For a device that reads adapters where their files are mapped: they are always there, unless a file was cut short. */
public final class AlwaysResident implements Residency {
    /** Needs nothing. */
    public AlwaysResident() {}

    @Override
    public Presence ask(AdapterLease lease) {
        try {
            lease.loaded().files().checkIntact();
            return Presence.RESIDENT;
        } catch (InvalidFileException e) {
            return Presence.FAILED;
        }
    }

    @Override
    public AdapterWeights weights(AdapterLease lease) {
        return lease.loaded().weights();
    }

    @Override
    public LorikeetException failure(AdapterLease lease) {
        try {
            lease.loaded().files().checkIntact();
            return new LorikeetException(ErrorCode.INVALID_FILE, "a file of " + lease.name() + " was cut short");
        } catch (InvalidFileException e) {
            return new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    @Override
    public void hold(AdapterLease lease) {}

    @Override
    public void release(AdapterLease lease) {}

    @Override
    public boolean poll() {
        return false;
    }

    @Override
    public boolean evictOne() {
        return false;
    }

    @Override
    public long oldestUse() {
        return Long.MAX_VALUE;
    }
}
