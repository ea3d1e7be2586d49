package lorikeet.runtime;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.text.ChatMessage;
import lorikeet.runtime.text.ChatOptions;
import lorikeet.runtime.text.ChatTemplate;
import lorikeet.runtime.text.ChatTemplateException;
import lorikeet.runtime.text.Tokenizer;
import lorikeet.runtime.text.TokenizerException;
import org.jspecify.annotations.Nullable;

/** Turns prompts into tokens. Safe for use by several threads; runs on the threads of those who ask. */
final class Prompts {
    private final Checkpoint checkpoint;
    private final Tokenizer tokenizer;
    private final Optional<ChatTemplate> chatTemplate;

    Prompts(Checkpoint checkpoint, Tokenizer tokenizer) {
        this.checkpoint = checkpoint;
        this.tokenizer = tokenizer;
        this.chatTemplate = chatTemplate(checkpoint);
    }

    private static Optional<ChatTemplate> chatTemplate(Checkpoint checkpoint) {
        try {
            return ChatTemplate.find(checkpoint.folder());
        } catch (ChatTemplateException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e);
        }
    }

    /**
     * The tokens of a prompt, at least one.
     *
     * @throws LorikeetException INVALID_REQUEST if there is none or the model doesn't have one of them
     */
    int[] tokens(Prompt prompt) {
        int[] tokens = switch (prompt) {
            case Prompt.Text text -> encode(text.text(), true);
            case Prompt.Tokens given ->
                given.ids().stream().mapToInt(Integer::intValue).toArray();
            case Prompt.Chat chat -> encode(render(chat.messages(), null), false);
        };
        if (tokens.length == 0) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, "the prompt is empty");
        }
        int vocabulary = checkpoint.config().vocabulary();
        for (int token : tokens) {
            if (token < 0 || token >= vocabulary) {
                throw new LorikeetException(
                        ErrorCode.INVALID_REQUEST,
                        "the prompt has the token " + token + ", the model has " + vocabulary + " tokens");
            }
        }
        return tokens;
    }

    private int[] encode(String text, boolean addSpecialTokens) {
        try {
            return tokenizer.encode(text, addSpecialTokens);
        } catch (TokenizerException e) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, e.getMessage(), e);
        }
    }

    /** The text that the chat template makes of a conversation, ready for the answer. */
    String render(List<ChatMessage> messages, @Nullable List<Map<String, Object>> tools) {
        ChatTemplate template = chatTemplate.orElseThrow(() -> new LorikeetException(
                ErrorCode.INCOMPATIBLE, checkpoint.folder() + ": the model has no chat template"));
        ChatOptions options = ChatOptions.of(true);
        try {
            return template.render(messages, tools == null ? options : options.withTools(tools));
        } catch (ChatTemplateException e) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, e.getMessage(), e);
        }
    }
}
