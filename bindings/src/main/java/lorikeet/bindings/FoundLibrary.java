package lorikeet.bindings;

import java.nio.file.Path;

/**
 * A library that the search found and opened; it stays open for the life of the process.
 *
 * @param library what was looked for
 * @param file the file that the system's loader took
 * @param place how it was found: the property, the loader's own path, or the folder
 * @param symbolAddress the address of {@link NativeLibrary#symbol} in that file
 */
public record FoundLibrary(NativeLibrary library, Path file, String place, long symbolAddress) {}
