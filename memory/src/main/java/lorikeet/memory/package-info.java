/** Tensors in mapped files, and the memory that devices and hosts share. */
@NullMarked
package lorikeet.memory;

import org.jspecify.annotations.NullMarked;
