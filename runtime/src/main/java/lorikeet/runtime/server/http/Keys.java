package lorikeet.runtime.server.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The keys that callers show as {@code Authorization: Bearer KEY}. Only digests are kept, and they are compared in
 * constant time, so neither a heap dump nor an answer's time tells a key.
 *
 * <p>Without any key everybody may do everything. With a key for use only, nobody may change adapters.
 */
public final class Keys {
    private static final String SCHEME = "Bearer ";

    private final byte @Nullable [] use;
    private final byte @Nullable [] admin;

    /** The key for use and that of the administrator, each if there is one. */
    public Keys(Optional<String> use, Optional<String> admin) {
        this.use = use.map(Keys::digest).orElse(null);
        this.admin = admin.map(Keys::digest).orElse(null);
    }

    /** True if some key is asked for where a model is used. */
    public boolean guardsUse() {
        return use != null;
    }

    /** True if no key is asked for anywhere. */
    public boolean isOpen() {
        return use == null && admin == null;
    }

    /**
     * Lets a call through or not.
     *
     * @param authorization the header's value, or null
     * @throws Refusal 401 for a missing or wrong key, 403 for a right one that isn't enough
     */
    void check(Access access, @Nullable String authorization) {
        if (access == Access.OPEN || isOpen()) {
            return;
        }
        byte[] shown = digest(shown(authorization));
        boolean isAdmin = admin != null && MessageDigest.isEqual(admin, shown);
        boolean isUser = use == null || MessageDigest.isEqual(use, shown);
        if (isAdmin || (access == Access.USE && isUser)) {
            return;
        }
        if (access == Access.ADMIN && use != null && isUser) {
            throw new Refusal(
                    403,
                    "permission_error",
                    null,
                    "admin_key_required",
                    admin == null
                            ? "this server was started without an administrator's key, so its adapters can't be changed"
                            : "changing adapters needs the administrator's key");
        }
        throw new Refusal(
                401,
                "authentication_error",
                null,
                "invalid_api_key",
                authorization == null
                        ? "this server asks for a key: send it as 'Authorization: Bearer KEY'"
                        : "the key is not right");
    }

    private static String shown(@Nullable String authorization) {
        return authorization != null && authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
                ? authorization.substring(SCHEME.length()).strip()
                : "";
    }

    private static byte[] digest(String key) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
