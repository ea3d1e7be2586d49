package lorikeet.runtime.server.openai;

import lorikeet.runtime.FinishReason;
import org.jspecify.annotations.Nullable;

/** Why a text ended, in OpenAI's words, and SGLang's for what OpenAI has none for. */
final class FinishReasons {
    private FinishReasons() {}

    static @Nullable String of(@Nullable FinishReason reason) {
        return switch (reason) {
            case null -> null;
            case STOP -> "stop";
            case LENGTH -> "length";
            case CANCELLED -> "abort";
        };
    }
}
