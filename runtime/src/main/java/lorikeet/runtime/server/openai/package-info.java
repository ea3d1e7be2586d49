/** OpenAI's API: models, completions, chat completions (https://platform.openai.com/docs/api-reference). */
@NullMarked
package lorikeet.runtime.server.openai;

import org.jspecify.annotations.NullMarked;
