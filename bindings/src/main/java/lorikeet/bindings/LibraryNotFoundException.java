package lorikeet.bindings;

import java.util.List;

/** A library is nowhere, or no file of its name can be used; the message lists every place and what was found there. */
public final class LibraryNotFoundException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String summary;

    LibraryNotFoundException(NativeLibrary library, List<Attempt> attempts) {
        super(message(library, attempts));
        summary = headline(library);
    }

    /** The first line of the message. */
    public String summary() {
        return summary;
    }

    /**
     * One place that was looked at.
     *
     * @param place a property, the loader's own path, a folder or a file
     * @param finding what was there, and why it would not do
     */
    record Attempt(String place, String finding) {}

    private static String headline(NativeLibrary library) {
        return library.title() + " not found: no usable " + String.join(" or ", library.fileNames());
    }

    private static String message(NativeLibrary library, List<Attempt> attempts) {
        StringBuilder text = new StringBuilder(headline(library)).append("; looked at");
        for (Attempt attempt : attempts) {
            text.append("\n  ").append(attempt.place()).append(": ").append(attempt.finding());
        }
        return text.append("\nNeeded: ")
                .append(library.needed())
                .append("\nSet -D")
                .append(library.property())
                .append(" to the file or its folder if it lies elsewhere.")
                .toString();
    }
}
