package lorikeet.runtime.model;

import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projection;

/** The weights of one layer, in the memory of the device. */
public record LayerWeights(
        Norm inputNorm,
        Projection queryKeyValue,
        HeadNorms headNorms,
        AttentionShape attention,
        Projection output,
        Norm mlpNorm,
        Projection gateUp,
        Projection down) {}
