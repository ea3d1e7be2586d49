package lorikeet.runtime.model;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
                weight(ModelWeights.EMBEDDING, BaseModule.Kind.EMBEDDING, slots.embedding(), embeddingTensor());
        List<LayerWeights> layers = new ArrayList<>(config.layers());
        for (int layer = 0; layer < config.layers(); layer++) {
            layers.add(layer(layer));
        }
        Norm finalNorm = norm(ModelWeights.FINAL_NORM, slots.finalNorm(), config.hidden());
        return new ModelWeights(embedding, layers, finalNorm, head(embedding), slots, modules, config.tiedEmbeddings());
    }

    /** Like Transformers 5: where the two are tied, the file may hold the one table under either name. */
    private String embeddingTensor() {
        boolean onlyHead = config.tiedEmbeddings()
                && files.tensor(ModelWeights.EMBEDDING + ".weight").isEmpty()
                && files.tensor(ModelWeights.HEAD + ".weight").isPresent();
        return (onlyHead ? ModelWeights.HEAD : ModelWeights.EMBEDDING) + ".weight";
    }

    private Linear head(Matrix embedding) {
        // Like Transformers 5: a head that is in the file counts, even where the configuration ties it.
        boolean tied = config.tiedEmbeddings()
                && files.tensor(ModelWeights.HEAD + ".weight").isEmpty();
        if (!tied) {
            Matrix weight =
                    weight(ModelWeights.HEAD, BaseModule.Kind.HEAD, slots.head(), ModelWeights.HEAD + ".weight");
            return new Linear(weight, null, slots.head());
        }
        Matrix stored =
                Objects.requireNonNull(modules.get(ModelWeights.EMBEDDING)).weight();
        modules.put(ModelWeights.HEAD, new BaseModule(ModelWeights.HEAD, BaseModule.Kind.HEAD, slots.head(), stored));
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
                projection(
                        layer,
                        hidden,
                        attentionBias,
                        Map.entry(LayerPart.QUERY, queries),
                        Map.entry(LayerPart.KEY, keys),
                        Map.entry(LayerPart.VALUE, keys)),
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
                projection(layer, queries, config.outputBias(), Map.entry(LayerPart.OUTPUT, hidden)),
                norm(layer, LayerPart.MLP_NORM, hidden),
                projection(
                        layer,
                        hidden,
                        config.mlpBias(),
                        Map.entry(LayerPart.GATE, inner),
                        Map.entry(LayerPart.UP, inner)),
                projection(layer, inner, config.mlpBias(), Map.entry(LayerPart.DOWN, hidden)));
    }

    /** Layers that read the same input, each given by its part and the length of its output. */
    @SafeVarargs
    private Projection projection(int layer, int in, boolean bias, Map.Entry<LayerPart, Integer>... parts) {
        List<Matrix> stored = new ArrayList<>();
        List<Matrix> biases = new ArrayList<>();
        for (Map.Entry<LayerPart, Integer> part : parts) {
            String name = name(layer, part.getKey());
            stored.add(matrix(name + ".weight", part.getValue(), in));
            if (bias) {
                biases.add(vector(name + ".bias", part.getValue()));
            }
        }
        List<Matrix> weights = operations.place(stored);
        List<Linear> linears = new ArrayList<>();
        for (int i = 0; i < parts.length; i++) {
            String name = name(layer, parts[i].getKey());
            int slot = slots.of(layer, parts[i].getKey());
            modules.put(name, new BaseModule(name, BaseModule.Kind.LINEAR, slot, stored.get(i)));
            linears.add(new Linear(weights.get(i), bias ? place(biases.get(i)) : null, slot));
        }
        return new Projection(linears);
    }

    private Matrix place(Matrix weight) {
        return operations.place(List.of(weight)).getFirst();
    }

    private Norm norm(int layer, LayerPart part, int size) {
        return norm(name(layer, part), slots.of(layer, part), size);
    }

    private Norm norm(String name, int slot, int size) {
        Matrix stored = vector(name + ".weight", size);
        modules.put(name, new BaseModule(name, BaseModule.Kind.NORM, slot, stored));
        return new Norm(place(stored), config.normEpsilon(), slot);
    }

    private Matrix weight(String name, BaseModule.Kind kind, int slot, String tensor) {
        Matrix stored = matrix(tensor, config.vocabulary(), config.hidden());
        modules.put(name, new BaseModule(name, kind, slot, stored));
        return place(stored);
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
