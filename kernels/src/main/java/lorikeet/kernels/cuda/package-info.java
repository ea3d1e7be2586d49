/** The operations of a forward pass on an NVIDIA GPU: products by cuBLASLt, all else by the kernels in src/main/cuda. */
@NullMarked
package lorikeet.kernels.cuda;

import org.jspecify.annotations.NullMarked;
