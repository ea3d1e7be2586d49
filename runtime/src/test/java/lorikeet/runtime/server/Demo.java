package lorikeet.runtime.server;

import java.nio.file.Path;

/** The demo model and its adapters, as they lie in the source tree. */
final class Demo {
    static final Path MODEL = Path.of("demo", "model");
    static final Path ADAPTERS = Path.of("demo", "adapters");

    private Demo() {}

    static Path adapter(String name) {
        return ADAPTERS.resolve(name);
    }
}
