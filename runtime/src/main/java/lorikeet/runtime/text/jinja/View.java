package lorikeet.runtime.text.jinja;

import java.util.List;

/** What {@code dict.keys()}, {@code values()} and {@code items()} give: it can be counted, but not indexed. */
record View(String type, List<Object> items) {}
