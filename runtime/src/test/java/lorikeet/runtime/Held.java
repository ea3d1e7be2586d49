package lorikeet.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What this process holds, as Linux tells it.
 *
 * @param mappedFiles mappings of files that were asked for
 */
record Held(long mappedFiles, long descriptors, long threads, long residentKilobytes) {
    /**
     * What it holds now.
     *
     * @param name which files count: those whose path contains this
     */
    static Held now(String name) {
        System.gc();
        try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"));
                Stream<String> status = Files.lines(Path.of("/proc/self/status"))) {
            List<String> lines = status.toList();
            return new Held(mappedFiles(name), descriptors.count(), number(lines, "Threads:"), number(lines, "VmRSS:"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The mappings of files whose path contains a name. */
    static long mappedFiles(String name) {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains(name)).count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long number(List<String> lines, String name) {
        String line = lines.stream().filter(l -> l.startsWith(name)).findFirst().orElseThrow();
        return Long.parseLong(line.replaceAll("\\D", ""));
    }
}
