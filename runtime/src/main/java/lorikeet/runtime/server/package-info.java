/** The server: a model and its adapters over HTTP, as OpenAI's API, SGLang and vLLM offer them. */
@NullMarked
package lorikeet.runtime.server;

import org.jspecify.annotations.NullMarked;
