/** vLLM's endpoints for adapters (https://docs.vllm.ai/en/latest/features/lora.html). */
@NullMarked
package lorikeet.runtime.server.vllm;

import org.jspecify.annotations.NullMarked;
