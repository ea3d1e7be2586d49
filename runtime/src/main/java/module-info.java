/** Models, adapters, the engine, and the public API. */
module lorikeet.runtime {
    requires transitive lorikeet.kernels;
    requires ai.djl.tokenizers;
    requires info.picocli;
    requires static transitive org.jspecify;

    opens lorikeet.runtime.cli to
            info.picocli;
}
