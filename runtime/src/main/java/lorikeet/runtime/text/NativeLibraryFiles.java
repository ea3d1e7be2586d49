package lorikeet.runtime.text;

import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds the native tokenizers library on disk; never on the network.
 *
 * <ol>
 *   <li>The file that the system property {@value #LIBRARY_PROPERTY} or the environment variable
 *       {@value #LIBRARY_VARIABLE} names: for images that carry the library unpacked.
 *   <li>The copy inside DJL's jar, unpacked once into {@code native/} of the cache folder: the property
 *       {@value #CACHE_PROPERTY} or the variable {@value #CACHE_VARIABLE}, else {@code $XDG_CACHE_HOME/lorikeet}, else
 *       {@code ~/.cache/lorikeet}. Where that can't be written, a fresh private folder among the temporary files.
 * </ol>
 */
final class NativeLibraryFiles {
    static final String LIBRARY_PROPERTY = "lorikeet.tokenizers.library";
    static final String LIBRARY_VARIABLE = "LORIKEET_TOKENIZERS_LIBRARY";
    static final String CACHE_PROPERTY = "lorikeet.cache";
    static final String CACHE_VARIABLE = "LORIKEET_CACHE";

    /** The libraries that DJL's jar holds, in the order in which they must be loaded. */
    private static final Map<String, List<String>> BUNDLED = Map.of(
            "linux-x86_64", List.of("libtokenizers.so"),
            "linux-aarch64", List.of("libtokenizers.so"),
            "osx-aarch64", List.of("libtokenizers.dylib"),
            "win-x86_64", List.of("libwinpthread-1.dll", "libgcc_s_seh-1.dll", "libstdc++-6.dll", "tokenizers.dll"));

    private final Function<String, @Nullable String> properties;
    private final Function<String, @Nullable String> environment;

    NativeLibraryFiles(Function<String, @Nullable String> properties, Function<String, @Nullable String> environment) {
        this.properties = properties;
        this.environment = environment;
    }

    static NativeLibraryFiles ofThisProcess() {
        return new NativeLibraryFiles(System::getProperty, System::getenv);
    }

    /** The files to load, in order. */
    List<Path> find() throws IOException {
        String given = setting(LIBRARY_PROPERTY, LIBRARY_VARIABLE);
        if (given != null) {
            Path file = Path.of(given);
            if (!Files.isRegularFile(file)) {
                throw new TokenizerException(
                        file,
                        "no such file; " + LIBRARY_PROPERTY + " (or " + LIBRARY_VARIABLE
                                + ") must name the tokenizers library itself");
            }
            return List.of(file);
        }
        String platform = platform();
        List<String> names = BUNDLED.get(platform);
        if (names == null) {
            throw new TokenizerException(
                    "no tokenizers library is bundled for " + platform + ", only for "
                            + BUNDLED.keySet().stream().sorted().toList() + "; build one and name it with "
                            + LIBRARY_PROPERTY,
                    null);
        }
        return unpack(platform, names);
    }

    private List<Path> unpack(String platform, List<String> names) throws IOException {
        try {
            return unpackInto(cacheFolder().resolve("native").resolve(version() + "-" + platform), platform, names);
        } catch (IOException e) {
            // A read-only home is common in containers. A private folder, because others may write to a shared one.
            Path folder = Files.createTempDirectory("lorikeet-");
            List<Path> files = unpackInto(folder, platform, names);
            folder.toFile().deleteOnExit();
            files.forEach(file -> file.toFile().deleteOnExit());
            return files;
        }
    }

    private static List<Path> unpackInto(Path folder, String platform, List<String> names) throws IOException {
        Files.createDirectories(folder);
        List<Path> files = new ArrayList<>();
        for (String name : names) {
            Path file = folder.resolve(name);
            URLConnection source =
                    resource("native/lib/" + platform + "/cpu/" + name).openConnection();
            source.setUseCaches(false);
            try (InputStream in = source.getInputStream()) {
                if (!Files.isRegularFile(file) || Files.size(file) != source.getContentLengthLong()) {
                    // Another process may be doing the same: write aside, then put in place in one step.
                    Path aside = Files.createTempFile(folder, name, ".part");
                    try {
                        Files.copy(in, aside, StandardCopyOption.REPLACE_EXISTING);
                        Files.move(aside, file, StandardCopyOption.ATOMIC_MOVE);
                    } finally {
                        Files.deleteIfExists(aside);
                    }
                }
            }
            files.add(file);
        }
        return files;
    }

    /** The version of the library in the jar, so that another version never meets a stale copy. */
    private static String version() throws IOException {
        Properties found = new Properties();
        try (InputStream in = resource("native/lib/tokenizers.properties").openStream()) {
            found.load(in);
        }
        return "tokenizers-" + found.getProperty("version", "unknown");
    }

    private static URL resource(String name) throws IOException {
        ClassLoader loader = TokenizersLibrary.class.getClassLoader();
        URL url = loader == null ? ClassLoader.getSystemResource(name) : loader.getResource(name);
        if (url == null) {
            throw new TokenizerException(
                    "the tokenizers jar has no " + name + "; name an unpacked library with " + LIBRARY_PROPERTY, null);
        }
        return url;
    }

    private Path cacheFolder() {
        String given = setting(CACHE_PROPERTY, CACHE_VARIABLE);
        if (given != null) {
            return Path.of(given);
        }
        String xdg = environment.apply("XDG_CACHE_HOME");
        Path caches = xdg != null && !xdg.isEmpty()
                ? Path.of(xdg)
                : Path.of(property("user.home")).resolve(".cache");
        return caches.resolve("lorikeet");
    }

    private String platform() {
        String os = property("os.name").toLowerCase(Locale.ROOT);
        String arch = property("os.arch");
        String system = os.startsWith("win") ? "win" : os.startsWith("mac") ? "osx" : os;
        return system + "-" + (arch.equals("amd64") ? "x86_64" : arch);
    }

    private @Nullable String setting(String property, String variable) {
        String value = properties.apply(property);
        if (value == null || value.isEmpty()) {
            value = environment.apply(variable);
        }
        return value == null || value.isEmpty() ? null : value;
    }

    private String property(String name) {
        String value = properties.apply(name);
        return value == null ? "" : value;
    }
}
