package lorikeet.runtime.server.generation;

import lorikeet.runtime.Request;

/** What a call's {@code model} names. */
public sealed interface ModelName {
    /** The base model. */
    record Base() implements ModelName {}

    /** An adapter, which need not be there. */
    record Adapter(String name) implements ModelName {}

    /**
     * Reads a name: the base model's, an adapter's, or {@code base:adapter}.
     *
     * @param name what the client wrote
     * @param base the base model's name
     */
    static ModelName of(String name, String base) {
        if (name.equals(base)) {
            return new Base();
        }
        return new Adapter(name.startsWith(base + ":") ? name.substring(base.length() + 1) : name);
    }

    /** The request for this model. */
    default Request apply(Request request) {
        return switch (this) {
            case Base base -> request;
            case Adapter adapter -> request.adapter(adapter.name());
        };
    }
}
