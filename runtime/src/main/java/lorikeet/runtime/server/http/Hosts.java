package lorikeet.runtime.server.http;

import java.util.regex.Pattern;

/**
 * Keeps web pages out of a server without keys. A page can point a name of its own at this machine, and its browser then
 * takes the server for a part of the page's site; but the browser still says which name it used.
 */
final class Hosts {
    private static final Pattern ADDRESS = Pattern.compile("\\[[0-9A-Fa-f:.]+]|\\d+\\.\\d+\\.\\d+\\.\\d+|localhost");

    private Hosts() {}

    static void check(Keys keys, Call call) {
        if (!keys.isOpen()) {
            return;
        }
        String host = call.header("Host").orElse("localhost").replaceFirst(":\\d+$", "");
        if (!ADDRESS.matcher(host).matches()) {
            throw new Refusal(
                    403,
                    "permission_error",
                    null,
                    "unknown_host",
                    "a server without keys is called by its address or as localhost, not as " + host);
        }
    }
}
