package lorikeet.runtime.adapter;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/**
 * A folder of adapters, each offered under the name of its own folder. What appears in it later is offered, too.
 *
 * <p>Names come from clients. A name is the name of one folder directly in the catalog's; a symbolic link there counts
 * only if it leads to a folder inside the catalog's, and so do those of the adapter's files. An adapter that was unloaded
 * by a call isn't offered again until a call loads one under its name. Safe for use by several threads.
 */
public final class AdapterCatalog {
    private static final String CONFIG = "adapter_config.json";

    private final Path folder;
    private final AllowedRoots root;
    private final Set<String> withdrawn = ConcurrentHashMap.newKeySet();

    /**
     * Offers the adapters in a folder.
     *
     * @throws LorikeetException NOT_FOUND if it isn't there
     */
    public AdapterCatalog(Path folder) {
        this.folder = AllowedRoots.realFolder(folder);
        this.root = new AllowedRoots(List.of(this.folder));
    }

    /** The real path of the adapter with this name, if one is offered. */
    public Optional<Path> find(String name) {
        if (withdrawn.contains(name)) {
            return Optional.empty();
        }
        try {
            Path relative = Path.of(name);
            boolean oneName = relative.getNameCount() == 1
                    && !relative.isAbsolute()
                    && relative.toString().equals(name)
                    && !name.startsWith(".");
            if (!oneName) {
                return Optional.empty();
            }
            Path found = root.check(folder.resolve(relative).toString());
            return !found.equals(folder) && Files.isRegularFile(found.resolve(CONFIG))
                    ? Optional.of(found)
                    : Optional.empty();
        } catch (InvalidPathException e) {
            return Optional.empty();
        } catch (LorikeetException e) {
            // Not there, or not inside: to whoever asks that is the same.
            return Optional.empty();
        }
    }

    /** The names that are offered now, in alphabetical order. */
    public List<String> names() {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> children = Files.newDirectoryStream(folder)) {
            for (Path child : children) {
                String name = child.getFileName().toString();
                if (find(name).isPresent()) {
                    names.add(name);
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            throw new LorikeetException(ErrorCode.INVALID_FILE, folder + ": cannot be read: " + e, e);
        }
        Collections.sort(names);
        return names;
    }

    /** Stops offering a name; true if it was offered until now. */
    public boolean withdraw(String name) {
        return find(name).isPresent() && withdrawn.add(name);
    }

    /** Offers a name again, if there is a folder for it. */
    public void offer(String name) {
        withdrawn.remove(name);
    }
}
