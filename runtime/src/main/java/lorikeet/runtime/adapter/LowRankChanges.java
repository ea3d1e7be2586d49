package lorikeet.runtime.adapter;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import lorikeet.kernels.Delta;
import lorikeet.kernels.Operations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;
import lorikeet.runtime.adapter.TensorName.Part;
import org.jspecify.annotations.Nullable;

/** Low-rank changes of linear layers, the head and the embedding table, with DoRA's magnitudes where there are some. */
final class LowRankChanges {
    private final AdapterConfig config;
    private final Operations operations;
    private final Arena arena;

    /** Memory for magnitudes comes from {@code arena}, the adapter's own; norms are computed by {@code operations}. */
    LowRankChanges(AdapterConfig config, Operations operations, Arena arena) {
        this.config = config;
        this.operations = operations;
        this.arena = arena;
    }

    /**
     * The change of a linear layer or the head.
     *
     * @param weight what is changed: the module's own weight, or one in the adapter's file that takes its place
     */
    Delta ofLinear(ModuleTensors tensors, Matrix weight) {
        String name = tensors.module().name();
        int rank = config.rankOf(name);
        int out = weight.rows();
        Matrix a = tensors.lowRank(Part.LORA_A, rank, weight.cols());
        Matrix b = tensors.lowRank(Part.LORA_B, out, rank);
        @Nullable Matrix bias = tensors.vector(Part.LORA_BIAS, "lora_bias", config.loraBias(), out);
        @Nullable Matrix magnitude = tensors.vector(Part.MAGNITUDE, "use_dora", config.magnitudes(), out);
        Delta.LowRank delta = new Delta.LowRank(a, b, config.scalingOf(name), bias, null);
        return magnitude == null
                ? delta
                : new Delta.LowRank(a, b, delta.scaling(), bias, rowsNormalised(weight, delta, magnitude));
    }

    /**
     * The change of the embedding table.
     *
     * @param weight what is changed: the module's own weight, or one in the adapter's file that takes its place
     */
    Delta ofEmbedding(ModuleTensors tensors, Matrix weight) {
        String name = tensors.module().name();
        int rank = config.rankOf(name);
        int hidden = weight.cols();
        Matrix a = tensors.lowRank(Part.EMBEDDING_A, rank, weight.rows());
        Matrix b = tensors.lowRank(Part.EMBEDDING_B, hidden, rank);
        @Nullable Matrix magnitude = tensors.vector(Part.MAGNITUDE, "use_dora", config.magnitudes(), hidden);
        Delta.LowRankEmbedding delta = new Delta.LowRankEmbedding(a, b, config.scalingOf(name), null);
        return magnitude == null
                ? delta
                : new Delta.LowRankEmbedding(a, b, delta.scaling(), columnsNormalised(weight, delta, magnitude));
    }

    /** The magnitudes over the norms of the rows of {@code W + scaling B A} (PEFT's DoraLinearLayer). */
    private Matrix rowsNormalised(Matrix weight, Delta.LowRank delta, Matrix magnitude) {
        Matrix norms = row(magnitude.cols());
        operations.rowNorms(weight, delta, norms);
        return divided(magnitude, norms);
    }

    /** The magnitudes over the norms of the columns of {@code W + scaling (B A)ᵀ} (PEFT's DoraEmbeddingLayer). */
    private Matrix columnsNormalised(Matrix weight, Delta.LowRankEmbedding delta, Matrix magnitude) {
        Matrix norms = row(magnitude.cols());
        operations.columnNorms(weight, delta, norms);
        return divided(magnitude, norms);
    }

    /** Magnitudes over norms, in the place of the norms. */
    private static Matrix divided(Matrix magnitude, Matrix norms) {
        float[] magnitudes = Floats.toArray(magnitude);
        MemorySegment data = norms.data();
        for (int i = 0; i < magnitudes.length; i++) {
            float norm = data.getAtIndex(ValueLayout.JAVA_FLOAT, i);
            data.setAtIndex(ValueLayout.JAVA_FLOAT, i, magnitudes[i] / norm);
        }
        return norms;
    }

    private Matrix row(int size) {
        MemorySegment data = arena.allocate((long) size * Float.BYTES, Long.BYTES);
        return new Matrix(data, ElementType.F32, 1, size);
    }
}
