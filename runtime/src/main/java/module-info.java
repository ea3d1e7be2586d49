/** Models, adapters, the engine, and the public API. */
module lorikeet.runtime {
    requires transitive lorikeet.kernels;
    requires ai.djl.tokenizers;
    requires info.picocli;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;
    requires static transitive org.jspecify;

    exports lorikeet.runtime;
    exports lorikeet.runtime.model;
    exports lorikeet.runtime.text;

    opens lorikeet.runtime.cli to
            info.picocli;
}
