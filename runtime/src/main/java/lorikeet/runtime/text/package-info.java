/** Everything between text and token ids: tokenizer, chat template, streaming, stop strings. */
@NullMarked
package lorikeet.runtime.text;

import org.jspecify.annotations.NullMarked;
