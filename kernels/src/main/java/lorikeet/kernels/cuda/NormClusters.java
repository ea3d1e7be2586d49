package lorikeet.kernels.cuda;

import lorikeet.bindings.KernelLaunch;

/**
 * The clusters of blocks that have a row of the residual stream together, to norm it.
 *
 * @param available whether the device has clusters; where it hasn't, a block is one by itself
 */
record NormClusters(boolean available) {
    private static final int MOST = 8;
    private static final int COLUMNS = 512;

    /** Blocks of a cluster: enough for so many columns. */
    int blocks(int columns) {
        int cluster = 1;
        while (available && cluster < MOST && cluster * COLUMNS < columns) {
            cluster *= 2;
        }
        return cluster;
    }

    /** Makes the kernel's blocks clusters; returns how many there are in each. */
    int set(KernelLaunch kernel, int columns) {
        int cluster = blocks(columns);
        if (available) {
            kernel.cluster(cluster);
        }
        return cluster;
    }
}
