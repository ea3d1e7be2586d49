package lorikeet.jmh;

import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Threads;

/**
 * The most multiply-adds that vectors of floats can do here, on all processors and in registers alone: the limit of
 * prompt processing. Operations per second are multiply-adds of one vector; {@link #lanes} makes floats of them.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Threads(Threads.MAX)
public class FmaPeak {
    private static final int ROUNDS = 1 << 14;
    private static final int CHAINS = 12;
    private static final VectorSpecies<Float> WIDEST = FloatVector.SPECIES_PREFERRED;

    private float factor = 0.5f;
    private float term = 0.25f;

    /** Floats in one vector of the widest kind. */
    public static int lanes() {
        return WIDEST.length();
    }

    /** Compares with the same in scalars. */
    @Setup
    public void check() {
        float expected = 0;
        for (int chain = 0; chain < CHAINS; chain++) {
            float value = chain;
            for (int i = 0; i < ROUNDS; i++) {
                value = Math.fma(value, factor, term);
            }
            expected += value;
        }
        if (widest() != expected) {
            throw new IllegalStateException(widest() + " instead of " + expected);
        }
    }

    /** Twelve chains: enough for two units with a latency of up to six cycles. */
    @Benchmark
    @OperationsPerInvocation(CHAINS * ROUNDS)
    public float widest() {
        FloatVector f = FloatVector.broadcast(WIDEST, factor);
        FloatVector t = FloatVector.broadcast(WIDEST, term);
        FloatVector a = FloatVector.broadcast(WIDEST, 0);
        FloatVector b = FloatVector.broadcast(WIDEST, 1);
        FloatVector c = FloatVector.broadcast(WIDEST, 2);
        FloatVector d = FloatVector.broadcast(WIDEST, 3);
        FloatVector e = FloatVector.broadcast(WIDEST, 4);
        FloatVector g = FloatVector.broadcast(WIDEST, 5);
        FloatVector h = FloatVector.broadcast(WIDEST, 6);
        FloatVector i = FloatVector.broadcast(WIDEST, 7);
        FloatVector j = FloatVector.broadcast(WIDEST, 8);
        FloatVector k = FloatVector.broadcast(WIDEST, 9);
        FloatVector l = FloatVector.broadcast(WIDEST, 10);
        FloatVector m = FloatVector.broadcast(WIDEST, 11);
        for (int round = 0; round < ROUNDS; round++) {
            a = a.fma(f, t);
            b = b.fma(f, t);
            c = c.fma(f, t);
            d = d.fma(f, t);
            e = e.fma(f, t);
            g = g.fma(f, t);
            h = h.fma(f, t);
            i = i.fma(f, t);
            j = j.fma(f, t);
            k = k.fma(f, t);
            l = l.fma(f, t);
            m = m.fma(f, t);
        }
        FloatVector sum = a.add(b)
                .add(c)
                .add(d)
                .add(e)
                .add(g)
                .add(h)
                .add(i)
                .add(j)
                .add(k)
                .add(l)
                .add(m);
        return sum.lane(0);
    }
}
