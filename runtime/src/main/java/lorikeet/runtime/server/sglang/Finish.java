package lorikeet.runtime.server.sglang;

import lorikeet.runtime.Choice;

/** Why a text ended, as SGLang's {@code finish_reason} says it. */
sealed interface Finish {
    /** A stop string or, where it is a number, a token. */
    record Stop(String type, Object matched) implements Finish {}

    /** The most tokens asked for. */
    record Length(String type, int length) implements Finish {}

    /** It was cancelled. */
    record Abort(String type, String message) implements Finish {}

    static Finish of(Choice choice, int maxTokens) {
        return switch (choice.finish()) {
            case STOP -> {
                String stop = choice.stop();
                yield new Stop(
                        "stop", stop != null ? stop : choice.tokens().getLast().id());
            }
            case LENGTH -> new Length("length", maxTokens);
            case CANCELLED -> new Abort("abort", "the request was cancelled");
        };
    }

    /** Of an answer that is the prompt alone. */
    static Finish nothingAsked() {
        return new Length("length", 0);
    }
}
