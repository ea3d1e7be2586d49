package lorikeet.bindings;

import java.util.List;

/**
 * A shared library that may be there or not.
 *
 * @param title what people call it, for messages
 * @param fileNames its file names, the first one tried first; the loader's own path is asked for each
 * @param symbol a function that the library must export to be the right one
 * @param property the system property that names its file or folder and ends the search there
 * @param needed the version that is needed, for messages
 * @param folders where to look after the loader's own path, in this order; a part of a folder's path may be a glob
 */
public record NativeLibrary(
        String title, List<String> fileNames, String symbol, String property, String needed, List<String> folders) {
    public NativeLibrary {
        fileNames = List.copyOf(fileNames);
        folders = List.copyOf(folders);
        if (fileNames.isEmpty()) {
            throw new IllegalArgumentException(title + ": fileNames is empty, at least one is needed");
        }
    }
}
