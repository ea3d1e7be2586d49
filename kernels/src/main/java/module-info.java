/** The operations of a forward pass: one interface, one implementation for each kind of device. */
module lorikeet.kernels {
    requires transitive lorikeet.memory;
    requires transitive lorikeet.bindings;
    requires jdk.incubator.vector;
    requires static transitive org.jspecify;

    exports lorikeet.kernels;
    exports lorikeet.kernels.cpu;
    exports lorikeet.kernels.cuda;
}
