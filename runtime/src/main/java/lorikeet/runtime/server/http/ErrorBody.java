package lorikeet.runtime.server.http;

import org.jspecify.annotations.Nullable;

/** The body of every error, in the form of OpenAI's API. */
public record ErrorBody(Detail error) {
    /** What went wrong: for people, its kind, the field at fault, and a name for programs. */
    public record Detail(
            String message,
            String type,
            @Nullable String param,
            @Nullable Object code) {}

    /** The body that tells of a refusal. */
    public static ErrorBody of(Refusal refusal) {
        return new ErrorBody(new Detail(
                refusal.message(),
                refusal.type(),
                refusal.parameter().orElse(null),
                refusal.code().orElse(null)));
    }
}
