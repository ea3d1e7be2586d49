/** Compares Lorikeet with reference outputs of Transformers and PEFT. */
@NullMarked
package lorikeet.runtime.verify;

import org.jspecify.annotations.NullMarked;
