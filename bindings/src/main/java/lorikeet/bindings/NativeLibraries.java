package lorikeet.bindings;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.OptionalLong;

/** Hands a found library to the generated code. */
final class NativeLibraries {
    private NativeLibraries() {}

    /**
     * Loads the library into this class loader, where the generated classes, which name no library of their own, look
     * their symbols up. A class loader asks its libraries in no particular order, so a second file with the same
     * symbols is refused before it is loaded. Loading the same file again does nothing.
     *
     * @throws IllegalStateException if the file can't be loaded here, or another file already serves its symbols
     */
    @SuppressWarnings("restricted") // the file was chosen and checked by LibrarySearch
    static synchronized void load(FoundLibrary found) {
        OptionalLong served = served(found);
        if (served.isEmpty()) {
            try {
                System.load(found.file().toString());
            } catch (UnsatisfiedLinkError e) {
                throw new IllegalStateException("Can't load " + found.file() + " into Java: " + e.getMessage(), e);
            }
            served = served(found);
        }
        if (served.isEmpty() || served.getAsLong() != found.symbolAddress()) {
            throw new IllegalStateException("Can't use " + found.file() + ": this process already uses another "
                    + found.library().title());
        }
    }

    /** Where generated code would find the library's symbol now. */
    private static OptionalLong served(FoundLibrary found) {
        return SymbolLookup.loaderLookup().find(found.library().symbol()).stream()
                .mapToLong(MemorySegment::address)
                .findFirst();
    }
}
