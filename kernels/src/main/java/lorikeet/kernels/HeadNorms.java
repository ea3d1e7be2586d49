package lorikeet.kernels;

import org.jspecify.annotations.Nullable;

/**
 * Root mean square norms over the components of each head of q and k, before the rotary embedding (Qwen3).
 *
 * @param query for each head of q, or null
 * @param key for each head of k, or null
 */
public record HeadNorms(@Nullable Norm query, @Nullable Norm key) {
    /** No norms. */
    public static final HeadNorms NONE = new HeadNorms(null, null);
}
