/**
 * Bindings of the CUDA driver API, cuBLAS and cuBLASLt. The generated packages stay inside; {@code lorikeet.bindings}
 * is what other modules see.
 */
module lorikeet.bindings {
    requires static transitive org.jspecify;

    exports lorikeet.bindings;
}
