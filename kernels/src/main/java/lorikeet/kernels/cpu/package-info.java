/** The operations of a forward pass on the CPU, with the Vector API. */
@NullMarked
package lorikeet.kernels.cpu;

import org.jspecify.annotations.NullMarked;
