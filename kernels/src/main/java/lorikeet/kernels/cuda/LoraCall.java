package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;

/** A projection as the kernels take it: the struct {@code Lora} of lora.cuh. */
final class LoraCall {
    static final long BYTES = 128;

    private static final int MOST_PARTS = 3;
    private static final long SHRUNK = 0;
    private static final long LEFT = 8;
    private static final long RELEASED = 16;
    private static final long PARTS = 24;
    private static final long IN = 28;
    private static final long COLUMNS = 32;
    private static final long RANK_STRIDE = 36;
    private static final long TOKENS = 40;
    private static final long SHRINKING = 44;
    private static final long OUTPUTS = 48;
    private static final long RUN = 52;
    private static final long FIRST_PART = 56;
    private static final long PART_BYTES = 24;

    // Which shrink it is, and so how the inputs are split.
    private static final int FEW_SHRINK = 0;
    private static final int PROMPT_SHRINK = 1;
    private static final int INVARIANT_SHRINK = 2;

    /** Tiles that a block of a prompt's kernels takes together. */
    private static final int PROMPT_RUN = 4;

    private final MemorySegment struct;
    private final int parts;

    /**
     * Describes a projection.
     *
     * @param layers its parts
     * @param outputs whether its rows are the step's outputs instead of its tokens
     */
    LoraCall(Arena arena, List<Linear> layers, boolean outputs) {
        if (layers.size() > MOST_PARTS) {
            throw new IllegalArgumentException("a projection of " + layers.size() + " layers");
        }
        struct = arena.allocate(BYTES, Long.BYTES);
        parts = layers.size();
        int column = 0;
        for (int i = 0; i < parts; i++) {
            Linear layer = layers.get(i);
            long at = FIRST_PART + i * PART_BYTES;
            struct.set(JAVA_INT, at, layer.slot());
            struct.set(JAVA_INT, at + 4, layer.out());
            struct.set(JAVA_INT, at + 8, column);
            Matrix bias = layer.bias();
            struct.set(JAVA_LONG, at + 16, bias == null ? 0 : bias.data().address());
            column += layer.out();
        }
        struct.set(JAVA_INT, PARTS, parts);
        struct.set(JAVA_INT, IN, layers.getFirst().in());
        struct.set(JAVA_INT, COLUMNS, column);
        struct.set(JAVA_INT, OUTPUTS, outputs ? 1 : 0);
    }

    int parts() {
        return parts;
    }

    /** The tiles that a block takes together. */
    static int run(boolean prompt) {
        return prompt ? PROMPT_RUN : 1;
    }

    /**
     * Writes the struct as a kernel's argument.
     *
     * @param scratch where the shrunk inputs go, if any adapter is to be added
     */
    void write(MemorySegment argument, CurrentStep step, LoraScratch scratch) {
        MemorySegment.copy(struct, 0, argument, 0, BYTES);
        argument.set(JAVA_LONG, SHRUNK, step.adapted() ? scratch.address() : 0);
        argument.set(JAVA_INT, RANK_STRIDE, scratch.stride());
        argument.set(JAVA_INT, TOKENS, step.tokens());
        argument.set(
                JAVA_INT, SHRINKING, step.invariant() ? INVARIANT_SHRINK : step.prompt() ? PROMPT_SHRINK : FEW_SHRINK);
        argument.set(JAVA_INT, RUN, run(step.prompt()));
    }

    /** Adds to a struct that was written where the blocks of a launch leave partial sums to one another. */
    static void writeLeft(MemorySegment argument, LoraScratch scratch) {
        argument.set(JAVA_LONG, LEFT, scratch.leftAddress());
        argument.set(JAVA_LONG, RELEASED, scratch.releasedAddress());
    }
}
