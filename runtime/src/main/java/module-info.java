/** Models, adapters, the engine, and the public API. */
module lorikeet.runtime {
    requires transitive lorikeet.kernels;
    requires ai.djl.tokenizers;
    requires info.picocli;
    requires io.prometheus.metrics.core;
    requires io.prometheus.metrics.model;
    requires io.prometheus.writer.text;
    requires jdk.httpserver;
    requires me.tongfei.progressbar;
    requires tools.jackson.databind;
    requires static transitive org.jspecify;

    exports lorikeet.runtime;
    exports lorikeet.runtime.model;
    exports lorikeet.runtime.text;

    // Jackson writes their records.
    opens lorikeet.runtime.server.adapters to
            tools.jackson.databind;
    opens lorikeet.runtime.server.http to
            tools.jackson.databind;
    opens lorikeet.runtime.server.openai to
            tools.jackson.databind;
    opens lorikeet.runtime.server.sglang to
            tools.jackson.databind;
    opens lorikeet.runtime.cli to
            info.picocli;
}
