package lorikeet.jmh.device;

import lorikeet.jmh.FmaPeak;

/**
 * What the machine of a run can do at best, from the run's own results.
 *
 * @param memory bytes a millisecond of memory, read or written
 * @param host bytes a millisecond of page-locked host memory that is sent to the device; NaN where there is none
 * @param arithmetic multiply-adds a millisecond
 */
record Ceilings(double memory, double host, double arithmetic) {
    static Ceilings of(FigureFile file) {
        return new Ceilings(memory(file), host(file), arithmetic(file));
    }

    private static double memory(FigureFile file) {
        return file.find("GpuCeilings.deviceCopy")
                .map(copy -> 2.0 * GpuCeilings.COPIED / copy.deviceOrWallMillis())
                .or(() -> file.find("ReadBandwidth.allThreads").map(read -> read.score() * 1e9 / 1e3))
                .orElse(Double.NaN);
    }

    private static double host(FigureFile file) {
        return file.find("GpuCeilings.hostToDevice")
                .map(copy -> GpuCeilings.SENT / copy.deviceOrWallMillis())
                .orElse(Double.NaN);
    }

    private static double arithmetic(FigureFile file) {
        return file.find("GpuCeilings.product")
                .map(product -> Math.pow(GpuCeilings.SIDE, 3) / product.deviceOrWallMillis())
                .or(() -> file.find("FmaPeak.widest").map(peak -> peak.score() * FmaPeak.lanes() / 1e3))
                .orElse(Double.NaN);
    }
}
