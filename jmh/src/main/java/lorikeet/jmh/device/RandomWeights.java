package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Delta;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projection;
import lorikeet.memory.Matrix;
import lorikeet.runtime.model.BaseModule;
import lorikeet.runtime.model.LayerPart;
import lorikeet.runtime.model.LayerWeights;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import lorikeet.runtime.model.Slots;
import org.jspecify.annotations.Nullable;

/** Makes weights of random numbers: a model's and adapters'. */
final class RandomWeights {
    private static final List<LayerPart> ADAPTED = List.of(
            LayerPart.QUERY,
            LayerPart.KEY,
            LayerPart.VALUE,
            LayerPart.OUTPUT,
            LayerPart.GATE,
            LayerPart.UP,
            LayerPart.DOWN);

    private final ModelShape shape;
    private final ModelConfig config;
    private final Noise noise;
    private final Slots slots;

    RandomWeights(ModelShape shape, Noise noise) {
        this.shape = shape;
        this.config = shape.config();
        this.noise = noise;
        this.slots = new Slots(shape.layers());
    }

    /**
     * A model.
     *
     * @param place brings weights to the device, those of a list side by side
     */
    ModelWeights model(UnaryOperator<List<Matrix>> place) {
        Map<String, BaseModule> modules = new LinkedHashMap<>();
        List<LayerWeights> layers = new ArrayList<>();
        for (int layer = 0; layer < shape.layers(); layer++) {
            layers.add(layer(layer, place, modules));
        }
        Matrix embedding = place.apply(List.of(noise.matrix(ModelShape.VOCABULARY, shape.hidden())))
                .getFirst();
        Matrix head = place.apply(List.of(noise.matrix(ModelShape.VOCABULARY, shape.hidden())))
                .getFirst();
        return new ModelWeights(
                embedding,
                layers,
                norm(slots.finalNorm(), shape.hidden(), place),
                new Linear(head, null, slots.head()),
                slots,
                modules,
                false);
    }

    private LayerWeights layer(int layer, UnaryOperator<List<Matrix>> place, Map<String, BaseModule> modules) {
        return new LayerWeights(
                norm(slots.of(layer, LayerPart.INPUT_NORM), shape.hidden(), place),
                projection(layer, ADAPTED.subList(0, 3), place, modules),
                shape.headNorms()
                        ? new HeadNorms(
                                norm(slots.of(layer, LayerPart.QUERY_NORM), shape.headSize(), place),
                                norm(slots.of(layer, LayerPart.KEY_NORM), shape.headSize(), place))
                        : HeadNorms.NONE,
                new AttentionShape(
                        layer,
                        shape.heads(),
                        shape.kvHeads(),
                        shape.headSize(),
                        (float) (1 / Math.sqrt(shape.headSize())),
                        0),
                projection(layer, ADAPTED.subList(3, 4), place, modules),
                norm(slots.of(layer, LayerPart.MLP_NORM), shape.hidden(), place),
                projection(layer, ADAPTED.subList(4, 6), place, modules),
                projection(layer, ADAPTED.subList(6, 7), place, modules));
    }

    private Projection projection(
            int layer, List<LayerPart> parts, UnaryOperator<List<Matrix>> place, Map<String, BaseModule> modules) {
        List<Matrix> stored = parts.stream()
                .map(part -> noise.matrix(size(part).out(), size(part).in()))
                .toList();
        List<Matrix> placed = place.apply(stored);
        List<Linear> linears = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            int slot = slots.of(layer, parts.get(i));
            String name = "model.layers." + layer + "." + parts.get(i).path();
            modules.put(name, new BaseModule(name, BaseModule.Kind.LINEAR, slot, stored.get(i)));
            linears.add(new Linear(placed.get(i), null, slot));
        }
        return new Projection(linears);
    }

    private Norm norm(int slot, int size, UnaryOperator<List<Matrix>> place) {
        return new Norm(place.apply(List.of(noise.ones(size))).getFirst(), config.normEpsilon(), slot);
    }

    private ModelShape.LinearSize size(LayerPart part) {
        return shape.linears().get(ADAPTED.indexOf(part));
    }

    /** An adapter of this rank on all seven linear layers of every layer, in host memory. */
    AdapterWeights adapter(int rank) {
        @Nullable Delta[] deltas = new @Nullable Delta[slots.count()];
        for (int layer = 0; layer < shape.layers(); layer++) {
            for (LayerPart part : ADAPTED) {
                Matrix a = noise.matrix(rank, size(part).in());
                Matrix b = noise.matrix(size(part).out(), rank);
                deltas[slots.of(layer, part)] = new Delta.LowRank(a, b, 2, null, null);
            }
        }
        return new AdapterWeights(deltas);
    }
}
