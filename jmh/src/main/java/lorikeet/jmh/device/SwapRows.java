package lorikeet.jmh.device;

import static lorikeet.jmh.device.TableRows.number;

import java.util.Optional;

/** The life of an adapter, what steps feel of it, and how long a server takes to be up. */
final class SwapRows {
    private final FigureFile file;
    private final Ceilings ceilings;
    private final Targets targets;
    private final TableRows rows;

    SwapRows(FigureFile file, Ceilings ceilings, TableRows rows) {
        this.file = file;
        this.ceilings = ceilings;
        this.targets = new Targets(file.shape());
        this.rows = rows;
    }

    void add() {
        swap(
                "load an adapter of %s from the page cache: map, check, register",
                file.find("AdapterSwap.load"), false, number("%.0f ms", targets.load()));
        swap("of which the device's part: fetch and register", file.find("AdapterSwap.register"), false, "");
        file.all("AdapterSwap.swapIn").forEach(figure -> swap(swapIn(figure), Optional.of(figure), true, aim(figure)));
        swap("take its slabs for another", file.find("AdapterSwap.evict"), false, "");
        swap("load another version of it, and swap that in", file.find("AdapterSwap.replace"), false, "");
        gap(
                file.find("SwapUnderLoad.step", "swaps", "50"),
                "50 adapters a second are swapped in",
                number("%.2f", targets.gap()));
        gap(
                file.find("SwapUnderLoad.step", "swaps", "50", "type", "BF16"),
                "50 adapters in bf16 a second are swapped in",
                "");
        server();
    }

    private static boolean isUsual(Figure figure) {
        return figure.parameter("registered").equals("true") && figure.rank() == FigureTable.RANK;
    }

    private static String swapIn(Figure figure) {
        return (isUsual(figure) && figure.parameter("type").equals("F32")
                        ? "swap in a READY adapter, file of %s"
                        : "the same from a file of %s")
                + (figure.parameter("type").equals("F32") ? "" : " in bf16")
                + (figure.parameter("registered").equals("true") ? "" : " that can't be registered")
                + (figure.rank() == FigureTable.RANK ? "" : ", rank " + figure.rank());
    }

    private String aim(Figure figure) {
        return isUsual(figure) && figure.parameter("type").equals("F32") ? number("%.1f ms", targets.swapIn()) : "";
    }

    private void swap(String what, Optional<Figure> found, boolean copied, String target) {
        found.ifPresent(figure -> {
            double bytes = (double) file.shape().adapterWeights(figure.rank())
                    * (figure.parameter("type").equals("F32") ? Float.BYTES : Short.BYTES);
            rows.add(
                    what.formatted(number("%.0f MB", bytes / 1e6)),
                    number(figure.millis() < 0.1 ? "%.4f ms" : "%.2f ms", figure.millis()),
                    copied ? number("%.2f ms", bytes / ceilings.host()) : "",
                    target);
        });
    }

    private void gap(Optional<Figure> busy, String meanwhile, String target) {
        Optional<Figure> quiet = file.find("SwapUnderLoad.step", "swaps", "0");
        if (quiet.isPresent() && busy.isPresent()) {
            rows.add(
                    "gap between tokens while " + meanwhile + ", 99th percentile, against none",
                    number("%.2f", busy.get().p99() / quiet.get().p99())
                            + number(" (%.2f ms", busy.get().p99())
                            + number(" and %.2f ms)", quiet.get().p99()),
                    "1",
                    target);
        }
    }

    private void server() {
        file.find("ServerStart.start").ifPresent(start -> {
            double bytes = FigureTable.WEIGHT_BYTES
                    * (double) (file.shape().linearWeights() + 2 * file.shape().headWeights());
            rows.add(
                    number("server up with a mapped checkpoint of %.1f GB in the page cache", bytes / 1e9),
                    number("%.1f s", start.millis() / 1e3),
                    number("%.1f s", bytes / ceilings.host() / 1e3),
                    number("%.0f s", targets.server()));
        });
    }
}
