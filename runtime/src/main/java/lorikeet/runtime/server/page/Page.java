package lorikeet.runtime.server.page;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Objects;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Endpoint;

/** One of the page's three files. It needs nothing from elsewhere, and its browser is told to fetch nothing else. */
public final class Page implements Endpoint {
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
                    + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** The files by their paths. */
    public static final Map<String, Page> FILES = Map.of(
            "/", new Page("page.html", "text/html; charset=utf-8"),
            "/page.js", new Page("page.js", "text/javascript; charset=utf-8"),
            "/page.css", new Page("page.css", "text/css; charset=utf-8"));

    private final byte[] content;
    private final String type;

    private Page(String file, String type) {
        this.type = type;
        try (InputStream in = Objects.requireNonNull(Page.class.getResourceAsStream(file), file)) {
            this.content = in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void answer(Call call) throws IOException {
        call.setHeader("Content-Security-Policy", POLICY);
        call.setHeader("X-Content-Type-Options", "nosniff");
        call.setHeader("Referrer-Policy", "no-referrer");
        call.setHeader("Cache-Control", "no-cache");
        call.respond(200, type, content);
    }
}
