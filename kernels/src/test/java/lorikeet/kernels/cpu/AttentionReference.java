package lorikeet.kernels.cpu;

import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Delta;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** What rotateAndStore and attend should give for one sequence, in plain loops over double numbers. */
final class AttentionReference {
    private final AttentionShape shape;
    private final HeadNorms norms;

    AttentionReference(AttentionShape shape, HeadNorms norms) {
        this.shape = shape;
        this.norms = norms;
    }

    double[] attend(AttentionRun.Sequence sequence) {
        int size = shape.headSize();
        int heads = shape.heads();
        int kvHeads = shape.kvHeads();
        int tokens = sequence.tokens();
        double[][][] rows = new double[tokens][heads + 2 * kvHeads][size];
        for (int t = 0; t < tokens; t++) {
            for (int head = 0; head < heads + 2 * kvHeads; head++) {
                for (int i = 0; i < size; i++) {
                    rows[t][head][i] = RandomMatrices.get(sequence.qkv(), t, head * size + i);
                }
                if (head < heads + kvHeads) {
                    normalise(rows[t][head], head < heads ? norms.query() : norms.key(), sequence);
                    turn(rows[t][head], t, sequence.rotary());
                }
            }
        }
        double[] out = new double[tokens * heads * size];
        for (int t = 0; t < tokens; t++) {
            for (int head = 0; head < heads; head++) {
                int kvHead = head / (heads / kvHeads);
                int first = shape.window() == 0 ? 0 : Math.max(0, t - shape.window() + 1);
                double sum = 0;
                double[] weights = new double[tokens];
                double max = Double.NEGATIVE_INFINITY;
                for (int j = first; j <= t; j++) {
                    weights[j] = shape.scale() * dot(rows[t][head], rows[j][heads + kvHead]);
                    max = Math.max(max, weights[j]);
                }
                for (int j = first; j <= t; j++) {
                    weights[j] = Math.exp(weights[j] - max);
                    sum += weights[j];
                }
                for (int j = first; j <= t; j++) {
                    for (int i = 0; i < size; i++) {
                        out[(t * heads + head) * size + i] += weights[j] / sum * rows[j][heads + kvHeads + kvHead][i];
                    }
                }
            }
        }
        return out;
    }

    private static void normalise(double[] head, @Nullable Norm norm, AttentionRun.Sequence sequence) {
        if (norm == null) {
            return;
        }
        Matrix weight = norm.weight();
        if (sequence.adapter() != null && sequence.adapter().at(norm.slot()) instanceof Delta.Replacement replacement) {
            weight = replacement.weight();
        }
        double factor = 1 / Math.sqrt(dot(head, head) / head.length + norm.epsilon());
        for (int i = 0; i < head.length; i++) {
            head[i] *= factor * RandomMatrices.get(weight, 0, i);
        }
    }

    private static void turn(double[] head, int position, RotaryFrequencies rotary) {
        int pairs = rotary.inverse().length;
        for (int i = 0; i < pairs; i++) {
            double angle = position * rotary.inverse()[i];
            double cosine = Math.cos(angle) * rotary.scaling();
            double sine = Math.sin(angle) * rotary.scaling();
            double first = head[i];
            double second = head[i + pairs];
            head[i] = first * cosine - second * sine;
            head[i + pairs] = second * cosine + first * sine;
        }
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
