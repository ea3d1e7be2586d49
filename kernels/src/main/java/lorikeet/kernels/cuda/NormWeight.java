package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.Norm;
import org.jspecify.annotations.Nullable;

/** The struct {@code NormWeight} of lora.cuh. */
final class NormWeight {
    static final long BYTES = 16;

    private NormWeight() {}

    /** Writes a norm, or that there is none, to {@code at} of {@code to}. */
    static void write(MemorySegment to, long at, @Nullable Norm norm) {
        to.set(JAVA_LONG, at, norm == null ? 0 : norm.weight().data().address());
        to.set(JAVA_INT, at + 8, norm == null ? 0 : norm.slot());
        to.set(JAVA_FLOAT, at + 12, norm == null ? 0 : norm.epsilon());
    }
}
