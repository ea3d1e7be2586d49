package lorikeet.kernels;

import lorikeet.memory.Matrix;

/**
 * A root mean square norm (https://arxiv.org/abs/1910.07467): {@code y = x / sqrt(mean(x²) + epsilon) ∘ weight}.
 *
 * @param weight {@code [1, size]}
 * @param epsilon added to the mean square
 * @param slot the number by which adapters refer to this norm
 */
public record Norm(Matrix weight, float epsilon, int slot) {}
