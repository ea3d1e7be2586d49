package lorikeet.runtime.text.jinja;

import java.util.Map;

/** An object whose fields a template may set, even from within a loop. */
record Namespace(Map<String, Object> fields) {}
