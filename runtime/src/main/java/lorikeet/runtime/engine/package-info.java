/** Batching: which sequences get how many tokens in a step, and what becomes of the tokens that come out. */
@NullMarked
package lorikeet.runtime.engine;

import org.jspecify.annotations.NullMarked;
