/** What a forward pass asks of a device. */
@NullMarked
package lorikeet.kernels;

import org.jspecify.annotations.NullMarked;
