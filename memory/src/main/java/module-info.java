/** Element types, safetensors mapped into memory segments, and the slab pool. */
module lorikeet.memory {
    requires lorikeet.bindings;
    requires tools.jackson.core;
    requires static transitive org.jspecify;

    exports lorikeet.memory;
}
