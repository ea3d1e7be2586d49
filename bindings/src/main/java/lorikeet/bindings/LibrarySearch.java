package lorikeet.bindings;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import lorikeet.bindings.LibraryNotFoundException.Attempt;

/**
 * Finds a library: the file or folder that a property names and nothing else, or else the loader's own path (as
 * dlopen(3) searches it) and then the library's folders. A file counts once it has loaded and exports the library's
 * symbol. No generated class is touched. Thread-safe.
 */
public final class LibrarySearch {
    private static final String LOADER_PATH = "the loader's own path";

    private final Function<String, Optional<String>> properties;

    /**
     * Makes a search steered by the properties given.
     *
     * @param properties gives the value of a property that is set
     */
    public LibrarySearch(Function<String, Optional<String>> properties) {
        this.properties = properties;
    }

    /** A search steered by this process's system properties. */
    public static LibrarySearch ofThisProcess() {
        return new LibrarySearch(name -> Optional.ofNullable(System.getProperty(name)));
    }

    /**
     * Looks for a library, and opens the first file that is usable.
     *
     * @throws LibraryNotFoundException if no place has a usable file, with all that was tried
     * @throws IllegalCallerException if native access is denied to this module
     */
    public FoundLibrary find(NativeLibrary library) throws LibraryNotFoundException {
        List<Attempt> attempts = new ArrayList<>();
        DynamicLoader loader;
        try {
            loader = new DynamicLoader();
        } catch (UnsupportedOperationException e) {
            attempts.add(new Attempt("the system", String.valueOf(e.getMessage())));
            throw new LibraryNotFoundException(library, attempts);
        }
        Run run = new Run(library, loader, attempts);
        Optional<String> given = properties.apply(library.property()).filter(value -> !value.isBlank());
        Optional<FoundLibrary> found =
                given.isPresent() ? run.given("-D" + library.property(), given.get()) : run.everywhere();
        return found.orElseThrow(() -> new LibraryNotFoundException(library, attempts));
    }

    /** One search: what is looked for, with what, and what was seen so far. */
    private record Run(NativeLibrary library, DynamicLoader loader, List<Attempt> attempts) {

        Optional<FoundLibrary> given(String property, String value) {
            Path path;
            try {
                path = Path.of(value).toAbsolutePath();
            } catch (InvalidPathException e) {
                attempts.add(new Attempt(property + "=" + value, "not a path"));
                return Optional.empty();
            }
            if (Files.isDirectory(path)) {
                return folder(path, property);
            }
            if (!Files.exists(path)) {
                attempts.add(new Attempt(property + "=" + value, "no such file or folder"));
                return Optional.empty();
            }
            return open(path.toString(), property + "=" + value, property);
        }

        Optional<FoundLibrary> everywhere() {
            attempts.add(new Attempt("-D" + library.property(), "not set"));
            for (String name : library.fileNames()) {
                Optional<FoundLibrary> found = open(name, LOADER_PATH, LOADER_PATH);
                if (found.isPresent()) {
                    return found;
                }
            }
            for (String pattern : library.folders()) {
                List<Path> folders = FolderPattern.expand(pattern);
                if (folders.isEmpty()) {
                    attempts.add(new Attempt(pattern, "no such folder"));
                }
                for (Path folder : folders) {
                    Optional<FoundLibrary> found = folder(folder, folder.toString());
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
            return Optional.empty();
        }

        private Optional<FoundLibrary> folder(Path folder, String place) {
            boolean any = false;
            for (String name : library.fileNames()) {
                Path file = folder.resolve(name);
                // A dangling link is worth an attempt: the loader says what is wrong with it.
                if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                    any = true;
                    Optional<FoundLibrary> found = open(file.toString(), file.toString(), place);
                    if (found.isPresent()) {
                        return found;
                    }
                }
            }
            if (!any) {
                attempts.add(new Attempt(folder.toString(), "no " + String.join(" or ", library.fileNames())));
            }
            return Optional.empty();
        }

        private Optional<FoundLibrary> open(String name, String tried, String place) {
            return switch (loader.open(name, library.symbol())) {
                case DynamicLoader.Opened.Ok ok ->
                    Optional.of(
                            new FoundLibrary(library, Path.of(ok.file()).toAbsolutePath(), place, ok.symbolAddress()));
                case DynamicLoader.Opened.Failed failed -> {
                    attempts.add(new Attempt(tried, failed.reason()));
                    yield Optional.empty();
                }
            };
        }
    }
}
