package lorikeet.kernels;

import java.lang.foreign.MemorySegment;

/** The KV blocks of a model. The memory belongs to the implementor; blocks are lent to sequences by number. */
public interface KvCache {
    /** How each block is laid out. */
    KvLayout layout();

    /** The memory of block {@code index}: {@code layout().blockBytes()} bytes or more. Allocates nothing. */
    MemorySegment block(int index);
}
