package lorikeet.runtime.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page, in a real browser. */
final class PageTest {
    @TempDir
    private Path profile;

    private HeadlessBrowser browser;

    @BeforeEach
    void open() throws Exception {
        Optional<Path> found = HeadlessBrowser.find();
        assumeTrue(found.isPresent(), "none of the browsers " + HeadlessBrowser.NAMES + " is on the PATH");
        browser = new HeadlessBrowser(found.get(), profile);
    }

    @AfterEach
    void close() throws Exception {
        if (browser != null) {
            browser.close();
        }
    }

    private static String row(String name, String column) {
        return "document.querySelector('tr[data-name=" + name + "] " + column + "')";
    }

    private void load(String name, Path path) throws Exception {
        browser.type("load-name", name);
        browser.type("load-path", path.toString());
        browser.click("#load button");
    }

    @Test
    void loadsComparesAndUnloads() throws Exception {
        try (RunningServer server = RunningServer.start()) {
            browser.open(server.url() + "/");
            browser.until("document.getElementById('base').textContent === 'demo'");
            browser.until("!document.getElementById('none').hidden");

            load("roman", Demo.adapter("to-roman"));
            browser.until(row("roman", "td") + " !== null");
            browser.until("document.getElementById('load-name').value === ''");
            load("broken", Demo.ADAPTERS.resolve("missing"));
            browser.until("document.getElementById('message').className === 'error'");
            assertThat(browser.text("document.getElementById('message').textContent"))
                    .contains("missing");

            browser.text(
                    "(document.getElementById('left').value = 'roman', document.getElementById('right').value = 'demo')");
            browser.type("prompt", "1994 =>");
            browser.click("#run");
            browser.until("document.getElementById('left-note').textContent.includes('tokens in')");
            browser.until("document.getElementById('right-note').textContent.includes('tokens in')");
            assertThat(browser.text("document.getElementById('left-text').textContent"))
                    .isEqualTo("MCMXCIV");
            assertThat(browser.text("document.getElementById('right-text').textContent"))
                    .isNotEqualTo("MCMXCIV");
            browser.until(row("roman", "td:nth-child(2)") + ".textContent === 'resident'");

            browser.click("tr[data-name=roman] input");
            Eventually.until(
                    "it is pinned",
                    () -> server.model.adapter("roman").orElseThrow().pinned());
            browser.click("tr[data-name=roman] button");
            browser.until(row("roman", "td") + " === null");
            assertThat(server.model.adapters()).isEmpty();
            assertThat(browser.requested())
                    .isNotEmpty()
                    .allMatch(url -> url.startsWith(server.url()) || url.startsWith("data:"));
            assertThat(browser.errors()).isEmpty();
        }
    }

    @Test
    void asksForTheKey() throws Exception {
        try (RunningServer server = RunningServer.withKeys("use", "admin")) {
            browser.open(server.url() + "/");
            browser.until("document.getElementById('connection').textContent.includes('key')");
            browser.type("key", "admin");
            browser.text("document.getElementById('key').blur()");
            browser.until("document.getElementById('base').textContent === 'demo'");
            browser.until("document.getElementById('connection').textContent === ''");
        }
    }
}
