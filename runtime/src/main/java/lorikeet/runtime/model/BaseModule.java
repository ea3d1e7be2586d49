package lorikeet.runtime.model;

import lorikeet.memory.Matrix;

/**
 * A module of the base model, as adapters see it.
 *
 * @param name its path, such as {@code model.layers.0.self_attn.q_proj}
 * @param kind what it does
 * @param slot its number
 * @param weight {@code [out, in]} of a linear layer or the head, {@code [vocabulary, hidden]} of the embedding table,
 *     {@code [1, size]} of a norm; as it lies in the checkpoint, in host memory
 */
public record BaseModule(String name, Kind kind, int slot, Matrix weight) {
    /** What a module does. */
    public enum Kind {
        LINEAR,
        NORM,
        EMBEDDING,
        HEAD
    }
}
