/** Models, adapters, the engine, and the public API. */
module lorikeet.runtime {
    requires transitive lorikeet.kernels;
    requires ai.djl.tokenizers;
    requires com.google.gson; // the tokenizers use these two, but have no descriptor that says so
    requires org.slf4j;
    requires info.picocli;
    requires static transitive org.jspecify;

    opens lorikeet.runtime.cli to
            info.picocli;
}
