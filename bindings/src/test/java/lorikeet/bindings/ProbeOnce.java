package lorikeet.bindings;

/** Probes in a process of its own, so that what it loads can be watched. */
final class ProbeOnce {
    private ProbeOnce() {}

    public static void main(String[] arguments) {
        CudaProbe probe = CudaDriver.probe();
        System.out.println(probe.getClass().getSimpleName() + " | " + probe.summary());
    }
}
