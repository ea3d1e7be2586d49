/** Lorikeet's public API: open a model, load adapters, generate. */
@NullMarked
package lorikeet.runtime;

import org.jspecify.annotations.NullMarked;
