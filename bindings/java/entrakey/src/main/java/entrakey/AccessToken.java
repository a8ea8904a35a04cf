package entrakey;

import java.time.Duration;
import java.time.Instant;
import java.util.Objects;

/** A token that the program supplies itself, see {@link TokenSource}. */
public final class AccessToken {
    private final String secret;
    private final Instant expiresAt;
    private final String username;

    private AccessToken(String secret, Instant expiresAt, String username) {
        this.secret = Objects.requireNonNull(secret, "the token or assertion is null");
        this.expiresAt = expiresAt;
        this.username = username;
    }

    /**
     * {@return a token that says itself when it expires and whose it is}
     *
     * @param secret the access token
     */
    public static AccessToken of(String secret) {
        return new AccessToken(secret, null, null);
    }

    /**
     * {@return the same token, with its expiry}
     *
     * @param expiresAt when the token expires, by this machine's clock
     */
    public AccessToken expiringAt(Instant expiresAt) {
        return new AccessToken(secret, Objects.requireNonNull(expiresAt, "expiresAt"), username);
    }

    /**
     * {@return the same token, with the Redis user name that goes with it. What is configured as {@code username} still counts}
     *
     * @param username the object id
     */
    public AccessToken withUsername(String username) {
        return new AccessToken(secret, expiresAt, Objects.requireNonNull(username, "username"));
    }

    String secret() {
        return secret;
    }

    long expiresUnixMillis() {
        return expiresAt == null ? -1 : Math.max(0, Wire.millis(Duration.between(Instant.EPOCH, expiresAt)));
    }

    String username() {
        return username;
    }

    /** Shows nothing of the token. */
    @Override
    public String toString() {
        return "AccessToken[secret=[redacted]]";
    }
}
