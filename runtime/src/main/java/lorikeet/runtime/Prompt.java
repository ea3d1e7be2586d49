package lorikeet.runtime;

import java.util.List;
import lorikeet.runtime.text.ChatMessage;

/** What a request gives the model to continue. */
public sealed interface Prompt {
    /** Plain text; the tokenizer adds its special tokens, such as a beginning-of-text token, where it is set up to. */
    record Text(String text) implements Prompt {}

    /** Token ids, used as they are. */
    record Tokens(List<Integer> ids) implements Prompt {
        public Tokens {
            ids = List.copyOf(ids);
        }
    }

    /** A conversation, rendered by the model's chat template. */
    record Chat(List<ChatMessage> messages) implements Prompt {
        public Chat {
            messages = List.copyOf(messages);
        }
    }
}
