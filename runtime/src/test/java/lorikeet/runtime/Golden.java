package lorikeet.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;

/** The reference sets among the test resources. */
public final class Golden {
    private Golden() {}

    /** All sets: folders with model/, adapters/ and golden.json. */
    public static List<Path> sets() {
        try (Stream<Path> folders = Files.list(root())) {
            return folders.filter(Files::isDirectory).sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** One set. */
    public static Path set(String name) {
        return root().resolve(name);
    }

    /** The names of a set's adapters. */
    public static List<String> adapters(Path set) {
        try (Stream<Path> folders = Files.list(set.resolve("adapters"))) {
            return folders.map(folder -> folder.getFileName().toString())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path root() {
        URL url = Objects.requireNonNull(Golden.class.getResource("/golden"), "no test resources");
        try {
            return Path.of(url.toURI());
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
