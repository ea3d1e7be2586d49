/** Bindings of the CUDA driver API, cuBLAS and cuBLASLt. */
module lorikeet.bindings {
    requires static transitive org.jspecify;
}
