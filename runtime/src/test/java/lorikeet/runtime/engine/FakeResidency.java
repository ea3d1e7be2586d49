package lorikeet.runtime.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import lorikeet.kernels.AdapterWeights;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.adapter.AdapterLease;

/**
 * Adapters of one slab each, of which only so many fit, and which take a poll to come. Gives up idle ones, those used
 * longest ago first.
 */
final class FakeResidency implements Residency {
    private static final byte WEIGHT = 0x5a;

    private final FakeDevice device;
    private final SlabPool pool;
    private final int most;
    private final Map<Long, Resident> residents = new LinkedHashMap<>();
    private final Map<Long, AdapterWeights> weights = new HashMap<>();
    private Reclaimer reclaimer = new Reclaimer() {
        @Override
        public boolean freeSlab() {
            return false;
        }

        @Override
        public long oldestUse() {
            return Long.MAX_VALUE;
        }
    };

    /** Adapters that can't be used. */
    final Set<Long> broken = new HashSet<>();

    /** Makes {@link #ask} fail as nothing should. */
    volatile boolean mistake;

    int evictions;
    private long uses;

    private static final class Resident {
        private final SlabLease slab;
        private boolean coming = true;
        private int holders;
        private long lastUse;

        Resident(SlabLease slab) {
            this.slab = slab;
        }

        /** Stands for the copy: nobody else may read or write these slabs any more. */
        private void fill() {
            slab.memory().forEach(memory -> memory.fill(WEIGHT));
        }

        private void close() {
            for (MemorySegment memory : slab.memory()) {
                for (long i = 0; i < memory.byteSize(); i++) {
                    if (memory.get(JAVA_BYTE, i) != WEIGHT) {
                        throw new AssertionError("somebody has written into an adapter's slabs");
                    }
                }
            }
            slab.close();
        }
    }

    FakeResidency(FakeDevice device, SlabPool pool, int most) {
        this.device = device;
        this.pool = pool;
        this.most = most;
    }

    void reclaimer(Reclaimer value) {
        reclaimer = value;
    }

    @Override
    public Presence ask(AdapterLease lease) {
        if (mistake) {
            throw new IllegalStateException("a mistake");
        }
        if (broken.contains(lease.id())) {
            return Presence.FAILED;
        }
        Resident resident = residents.get(lease.id());
        if (resident == null) {
            if (residents.size() == most && !evictOne()) {
                return Presence.NO_ROOM;
            }
            var slab = pool.lease(1);
            while (slab.isEmpty() && (reclaimer.freeSlab() || evictOne())) {
                slab = pool.lease(1);
            }
            if (slab.isEmpty()) {
                return Presence.NO_ROOM;
            }
            resident = new Resident(slab.get());
            resident.fill();
            residents.put(lease.id(), resident);
        }
        resident.lastUse = ++uses;
        return resident.coming ? Presence.COMING : Presence.RESIDENT;
    }

    @Override
    public AdapterWeights weights(AdapterLease lease) {
        return weights.computeIfAbsent(lease.id(), device::weights);
    }

    @Override
    public LorikeetException failure(AdapterLease lease) {
        return new LorikeetException(ErrorCode.INVALID_FILE, lease.name() + " is broken");
    }

    private Resident find(AdapterLease lease) {
        Resident resident = residents.get(lease.id());
        if (resident == null || resident.coming) {
            throw new IllegalStateException(lease.name() + " is not resident");
        }
        return resident;
    }

    @Override
    public void hold(AdapterLease lease) {
        find(lease).holders++;
    }

    @Override
    public void release(AdapterLease lease) {
        if (--find(lease).holders < 0) {
            throw new IllegalStateException(lease.name() + " is released more often than held");
        }
    }

    @Override
    public boolean poll() {
        boolean changed = false;
        for (Resident resident : residents.values()) {
            changed |= resident.coming;
            resident.coming = false;
        }
        return changed;
    }

    @Override
    public boolean isCopying() {
        return residents.values().stream().anyMatch(resident -> resident.coming);
    }

    @Override
    public boolean evictOne() {
        Optional<Map.Entry<Long, Resident>> oldest = residents.entrySet().stream()
                .filter(entry -> !entry.getValue().coming && entry.getValue().holders == 0)
                .min(Comparator.comparingLong(entry -> entry.getValue().lastUse));
        if (oldest.isEmpty()) {
            return false;
        }
        residents.remove(oldest.get().getKey());
        oldest.get().getValue().close();
        evictions++;
        return true;
    }

    @Override
    public long oldestUse() {
        return Long.MAX_VALUE;
    }

    /** The number of holds over all adapters. */
    int held() {
        return residents.values().stream()
                .mapToInt(resident -> resident.holders)
                .sum();
    }
}
