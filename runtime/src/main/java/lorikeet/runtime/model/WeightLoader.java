package lorikeet.runtime.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Projection;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.Matrix;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.Tensor;
import org.jspecify.annotations.Nullable;

/** Finds a model's weights in its checkpoint, checks their shapes, and hands them to the device. */
final class WeightLoader {
    private final ModelConfig config;
    private final SafetensorsFolder files;
    private final Operations operations;
    private final Slots slots;
    private final Map<String, BaseModule> modules = new LinkedHashMap<>();

    private WeightLoader(ModelConfig config, SafetensorsFolder files, Operations operations) {
        this.config = config;
        this.files = files;
        this.operations = operations;
        this.slots = new Slots(config.layers());
    }

    /**
     * Loads all weights.
     *
     * @throws InvalidFileException if a tensor is missing, or has another shape than the configuration says, or a type
     *     that weights can't have
     */
    static ModelWeights load(ModelConfig config, SafetensorsFolder files, Operations operations) {
        return new WeightLoader(config, files, operations).load();
    }

    private ModelWeights load() {
        Matrix embedding =
                weight(ModelWeights.EMBEDDING, BaseModule.Kind.EMBEDDING, slots.embedding(), config.vocabulary());
        List<LayerWeights> layers = new ArrayList<>(config.layers());
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(layer(layer));
        }
        Norm finalNorm = norm(ModelWeights.FINAL_NORM, slots.finalNorm(), config.hidden());
        return new ModelWeights(embedding, layers, finalNorm, head(embedding), slots, modules);
    }

    private Linear head(Matrix embedding) {
        // Like Transformers 5: a head that is in the file counts, even where the configuration ties it.
        boolean tied = config.tiedEmbeddings()
                && files.tensor(ModelWeights.HEAD + ".weight").isEmpty();
        if (!tied) {
            Matrix weight = weight(ModelWeights.HEAD, BaseModule.Kind.HEAD, slots.head(), config.vocabulary());
            return new Linear(weight, null, slots.head());
        }
        modules.put(
                ModelWeights.HEAD, new BaseModule(ModelWeights.HEAD, BaseModule.Kind.HEAD, slots.head(), embedding));
        return new Linear(embedding, null, slots.head());
    }

    private LayerWeights layer(int layer) {
        int headSize = config.headSize();
        int queries = config.heads() * headSize;
        int keys = config.kvHeads() * headSize;
        int hidden = config.hidden();
        int inner = config.intermediate();
        boolean attentionBias = config.queryBias();
        return new LayerWeights(
                norm(layer, LayerPart.INPUT_NORM, hidden),
                new Projection(List.of(
                        linear(layer, LayerPart.QUERY, queries, hidden, attentionBias),
                        linear(layer, LayerPart.KEY, keys, hidden, attentionBias),
                        linear(layer, LayerPart.VALUE, keys, hidden, attentionBias))),
                config.headNorms()
                        ? new HeadNorms(
                                norm(layer, LayerPart.QUERY_NORM, headSize), norm(layer, LayerPart.KEY_NORM, headSize))
                        : HeadNorms.NONE,
                new AttentionShape(
                        layer,
                        config.heads(),
                        config.kvHeads(),
                        headSize,
                        (float) (1 / Math.sqrt(headSize)),
                        config.windows().get(layer)),
                new Projection(List.of(linear(layer, LayerPart.OUTPUT, hidden, queries, config.outputBias()))),
                norm(layer, LayerPart.MLP_NORM, hidden),
                new Projection(List.of(
                        linear(layer, LayerPart.GATE, inner, hidden, config.mlpBias()),
                        linear(layer, LayerPart.UP, inner, hidden, config.mlpBias()))),
                new Projection(List.of(linear(layer, LayerPart.DOWN, hidden, inner, config.mlpBias()))));
    }

    private Linear linear(int layer, LayerPart part, int out, int in, boolean bias) {
        String name = name(layer, part);
        int slot = slots.of(layer, part);
        Matrix weight = operations.place(matrix(name + ".weight", out, in));
        modules.put(name, new BaseModule(name, BaseModule.Kind.LINEAR, slot, weight));
        @Nullable Matrix biasRow = bias ? operations.place(vector(name + ".bias", out)) : null;
        return new Linear(weight, biasRow, slot);
    }

    private Norm norm(int layer, LayerPart part, int size) {
        return norm(name(layer, part), slots.of(layer, part), size);
    }

    private Norm norm(String name, int slot, int size) {
        Matrix weight = operations.place(vector(name + ".weight", size));
        modules.put(name, new BaseModule(name, BaseModule.Kind.NORM, slot, weight));
        return new Norm(weight, config.normEpsilon(), slot);
    }

    private Matrix weight(String name, BaseModule.Kind kind, int slot, int rows) {
        Matrix weight = operations.place(matrix(name + ".weight", rows, config.hidden()));
        modules.put(name, new BaseModule(name, kind, slot, weight));
        return weight;
    }

    private static String name(int layer, LayerPart part) {
        return "model.layers." + layer + "." + part.path();
    }

    private Matrix vector(String name, int size) {
        Tensor tensor = find(name);
        if (tensor.shape().rank() != 1) {
            throw tensor.invalid("has the shape " + tensor.shape() + ", the configuration asks for [" + size + "]");
        }
        return checked(tensor, 1, size);
    }

    private Matrix matrix(String name, int rows, int cols) {
        Tensor tensor = find(name);
        if (tensor.shape().rank() != 2) {
            throw tensor.invalid(
                    "has the shape " + tensor.shape() + ", the configuration asks for [" + rows + ", " + cols + "]");
        }
        return checked(tensor, rows, cols);
    }

    private static Matrix checked(Tensor tensor, int rows, int cols) {
        if (!tensor.type().isWeight()) {
            throw tensor.invalid("has the type " + tensor.type() + ", weights must be F32, F16 or BF16");
        }
        Matrix matrix = tensor.matrix();
        if (matrix.rows() != rows || matrix.cols() != cols) {
            throw tensor.invalid("has the shape " + tensor.shape() + ", the configuration asks for ["
                    + (rows == 1 ? "" : rows + ", ") + cols + "]");
        }
        return matrix;
    }

    private Tensor find(String name) {
        return files.tensor(name).orElseThrow(() -> InvalidFileException.inTensor(files.path(), name, "is missing"));
    }
}
