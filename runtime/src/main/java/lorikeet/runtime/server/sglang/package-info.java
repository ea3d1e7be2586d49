/** SGLang's own endpoints, with its fields and phrases (https://docs.sglang.ai/basic_usage/native_api.html). */
@NullMarked
package lorikeet.runtime.server.sglang;

import org.jspecify.annotations.NullMarked;
