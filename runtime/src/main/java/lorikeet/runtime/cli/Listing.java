package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import lorikeet.memory.ElementType;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.Tensor;
import lorikeet.runtime.adapter.LoadedAdapter.ChangedModule;

/** Prints what is in a checkpoint or an adapter, a fact a line. The writer stays the caller's. */
final class Listing {
    private final PrintWriter out;

    Listing(PrintWriter out) {
        this.out = out;
    }

    /** Modules that differ only in their layer share a line. */
    void modules(List<ChangedModule> modules) {
        Map<List<Object>, List<String>> groups = new LinkedHashMap<>();
        for (ChangedModule module : modules) {
            String kind = module.name().replaceFirst("^model\\.layers\\.\\d+\\.", "");
            groups.computeIfAbsent(
                            List.of(kind, module.change(), module.rank(), module.scaling()), key -> new ArrayList<>())
                    .add(module.name());
        }
        groups.forEach((key, names) -> {
            String low = (int) key.get(2) > 0
                    ? ", rank " + key.get(2) + ", scaling " + number(((Float) key.get(3)).doubleValue())
                    : "";
            String layers = names.size() > 1 ? " in " + names.size() + " layers" : "";
            fact(key.get(0).toString(), key.get(1) + low + layers);
        });
    }

    /** How many tensors there are, of which types and sizes. */
    void files(SafetensorsFolder files) {
        long bytes = files.tensors().values().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
        String types = count(files, Tensor::type).entrySet().stream()
                .map(entry -> entry.getValue() + " " + entry.getKey())
                .collect(Collectors.joining(", "));
        fact(
                "tensors",
                types + " in " + files.files().size() + (files.files().size() == 1 ? " file, " : " files, ")
                        + size(bytes));
    }

    private static Map<ElementType, Long> count(SafetensorsFolder files, Function<Tensor, ElementType> key) {
        return files.tensors().values().stream()
                .collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.counting()));
    }

    /** Every tensor on a line of its own. */
    void tensors(SafetensorsFolder files) {
        out.println();
        for (Tensor tensor : files.tensors().values()) {
            out.printf(
                    Locale.ROOT,
                    "%-5s %-18s %10s  %s%n",
                    tensor.type(),
                    tensor.shape(),
                    size(tensor.data().byteSize()),
                    tensor.name());
        }
    }

    /** One line: what it is about, and what there is to say. */
    void fact(String name, String value) {
        out.printf(Locale.ROOT, "%-22s %s%n", name, value);
    }

    /** A whole number without decimals, others with four digits. */
    static String number(double value) {
        return value == Math.rint(value) ? String.valueOf((long) value) : String.format(Locale.ROOT, "%.4g", value);
    }

    private static String size(long bytes) {
        if (bytes < 10_000) {
            return bytes + " B";
        }
        return bytes < 10_000_000
                ? String.format(Locale.ROOT, "%.1f kB", bytes / 1e3)
                : bytes < 10_000_000_000L
                        ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
                        : String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
    }
}
