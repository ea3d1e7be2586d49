/** Models, adapters, the engine, and the public API. */
module lorikeet.runtime {
    requires transitive lorikeet.kernels;
    requires ai.djl.tokenizers;
    requires tools.jackson.databind;
    requires static transitive org.jspecify;

    exports lorikeet.runtime.text;
}
