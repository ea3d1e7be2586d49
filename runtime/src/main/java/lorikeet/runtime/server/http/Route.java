package lorikeet.runtime.server.http;

/**
 * What answers a path.
 *
 * @param method GET or POST
 * @param path the whole path, or a beginning that ends in {@code /*}
 * @param access who may call it
 * @param endpoint what answers
 */
public record Route(String method, String path, Access access, Endpoint endpoint) {
    private static final String REST = "/*";

    /** True if this route answers to a method: GET routes to HEAD, too, whose answers have no bodies. */
    boolean answers(String called) {
        return method.equals(called) || (method.equals("GET") && called.equals("HEAD"));
    }

    /** True if this route's path is that of a call; the rest of a path may hold anything but be empty. */
    boolean matches(String called) {
        if (!path.endsWith(REST)) {
            return path.equals(called);
        }
        int prefix = path.length() - 1;
        return called.length() > prefix && called.regionMatches(0, path, 0, prefix);
    }
}
