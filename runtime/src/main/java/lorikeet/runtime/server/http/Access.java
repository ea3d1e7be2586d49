package lorikeet.runtime.server.http;

/** Who may call a route. */
public enum Access {
    /** Anybody: what a load balancer and a monitor need, and the page itself. */
    OPEN,
    /** Whoever has the key for use, or the administrator's. */
    USE,
    /** Whoever may change which adapters are loaded. */
    ADMIN
}
