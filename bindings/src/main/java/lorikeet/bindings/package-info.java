/**
 * Finding, loading and calling NVIDIA's libraries: a machine without them gets an answer, not an error while loading
 * classes.
 */
@NullMarked
package lorikeet.bindings;

import org.jspecify.annotations.NullMarked;
