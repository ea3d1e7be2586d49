package lorikeet.jmh;

import java.net.URISyntaxException;
import java.nio.file.Path;

/** The build's folder, where benchmarks leave what they write: it goes when the build is cleaned. */
public final class BuildFolder {
    private BuildFolder() {}

    /** The path of a file or folder in it. */
    public static Path resolve(String name) {
        try {
            return Path.of(BuildFolder.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .resolveSibling(name);
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
