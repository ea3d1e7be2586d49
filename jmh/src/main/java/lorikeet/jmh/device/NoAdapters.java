package lorikeet.jmh.device;

import lorikeet.kernels.AdapterWeights;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.Residency;

/** For an engine that serves the base model alone. */
final class NoAdapters implements Residency {
    @Override
    public Presence ask(AdapterLease lease) {
        return Presence.NO_ROOM;
    }

    @Override
    public AdapterWeights weights(AdapterLease lease) {
        throw new IllegalStateException("there are no adapters");
    }

    @Override
    public LorikeetException failure(AdapterLease lease) {
        throw new IllegalStateException("there are no adapters");
    }

    @Override
    public void hold(AdapterLease lease) {
        throw new IllegalStateException("there are no adapters");
    }

    @Override
    public void release(AdapterLease lease) {
        throw new IllegalStateException("there are no adapters");
    }

    @Override
    public boolean poll() {
        return false;
    }

    @Override
    public boolean isCopying() {
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
