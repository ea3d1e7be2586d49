/** LoRA adapters as PEFT saves them: configuration, tensors, and what they change in a base model. */
@NullMarked
package lorikeet.runtime.adapter;

import org.jspecify.annotations.NullMarked;
