package lorikeet.runtime.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Options;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which adapters a server has, and how many. */
final class AdapterOptions {
    private static final String PINNED = ",pinned";

    @Option(
            names = "--adapters",
            paramLabel = "DIR",
            description = "Offer every adapter in DIR by its folder's name; it is loaded when it is first asked for.")
    private @Nullable Path folder;

    @Option(
            names = "--adapter",
            paramLabel = "NAME=DIR[,pinned]",
            description =
                    "Load the PEFT adapter in DIR and call it NAME; a pinned one never makes room for others. May be"
                            + " repeated.")
    private Map<String, String> adapters = new LinkedHashMap<>();

    @Option(
            names = "--allow-adapter-path",
            paramLabel = "DIR",
            description = "Let clients load adapters from DIR and what is below, beside --adapters. May be repeated; "
                    + "without any, clients can't load from paths.")
    private List<Path> roots = new ArrayList<>();

    @Option(
            names = "--state",
            paramLabel = "FILE",
            description = "Remember in FILE what clients have loaded, and load it again at the next start.")
    private @Nullable Path state;

    @Option(
            names = "--max-loras-per-batch",
            paramLabel = "N",
            description = "Serve at most N adapters in one step; requests for others wait (default: 64).")
    private @Nullable Integer batchAdapters;

    @Option(
            names = "--max-loaded-loras",
            paramLabel = "N",
            description = "Keep at most N adapters loaded; those used least recently make room (default: no limit).")
    private @Nullable Integer loadedAdapters;

    @Option(
            names = "--max-lora-rank",
            paramLabel = "R",
            description = "Refuse adapters of a higher rank (default: whatever fits).")
    private @Nullable Integer rank;

    AdapterOptions() {}

    Options apply(Options options) {
        Options changed = options;
        if (folder != null) {
            changed = changed.adapterFolder(folder);
        }
        if (state != null) {
            changed = changed.stateFile(state);
        }
        if (batchAdapters != null) {
            changed = changed.batchAdapters(batchAdapters);
        }
        if (loadedAdapters != null) {
            changed = changed.loadedAdapters(loadedAdapters);
        }
        if (rank != null) {
            changed = changed.highestRank(rank);
        }
        return changed;
    }

    int batchAdapters() {
        return batchAdapters != null ? batchAdapters : Options.DEFAULT.batchAdapters();
    }

    /** Where clients may load from. */
    List<Path> roots() {
        List<Path> all = new ArrayList<>(roots);
        if (folder != null) {
            all.add(folder);
        }
        return all;
    }

    /** Loads what the command line names; it is there at the next start by itself, so it isn't remembered. */
    void load(Lorikeet model) {
        adapters.forEach((name, value) -> {
            boolean pinned = value.endsWith(PINNED);
            String path = pinned ? value.substring(0, value.length() - PINNED.length()) : value;
            if (path.isEmpty()) {
                throw new LorikeetException(ErrorCode.INVALID_REQUEST, "--adapter " + name + "= names no folder");
            }
            model.load(name, Path.of(path), new LoadSettings(pinned, true, false));
        });
    }
}
