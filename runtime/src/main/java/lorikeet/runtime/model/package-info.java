/** Checkpoints in the Hugging Face layout: configuration, weights, and the forward pass. */
@NullMarked
package lorikeet.runtime.model;

import org.jspecify.annotations.NullMarked;
