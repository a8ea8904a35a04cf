package entrakey;

import java.time.Instant;

/**
 * An access token and the Redis user name that goes with it. Immutable. Shows its secret to nobody but callers of
 * {@link #secret()} and {@link #secretChars()}, and cannot be serialized.
 */
public final class Token {
    private final String username;
    private final String secret;
    private final long version;
    private final long expiresUnixMillis;
    private final long refreshUnixMillis;

    Token(String username, String secret, long version, long expiresUnixMillis, long refreshUnixMillis) {
        this.username = username;
        this.secret = secret;
        this.version = version;
        this.expiresUnixMillis = expiresUnixMillis;
        this.refreshUnixMillis = refreshUnixMillis;
    }

    /** The token that these bytes are, which are wiped; throws the exception that they may be. */
    static Token of(byte[] bytes) {
        return of(Wire.read(bytes));
    }

    static Token of(Wire.Reader read) {
        Token token = new Token(read.text(), read.text(), read.number(), read.number(), read.number());
        read.wipe();
        return token;
    }

    /** {@return the user name for Redis's AUTH: the identity's object id} */
    public String username() {
        return username;
    }

    /** {@return the password for Redis's AUTH: the access token. Do not log it} */
    public String secret() {
        return secret;
    }

    /** {@return the secret as characters, a new array each time, for clients that take one} */
    public char[] secretChars() {
        return secret.toCharArray();
    }

    /** {@return the token's number among its provider's tokens, from 1} */
    public long version() {
        return version;
    }

    /** {@return when the token expires, by this machine's clock} */
    public Instant expiresAt() {
        return Instant.ofEpochMilli(expiresUnixMillis);
    }

    long expiresUnixMillis() {
        return expiresUnixMillis;
    }

    /** {@return when the provider means to replace the token} */
    public Instant refreshAt() {
        return Instant.ofEpochMilli(refreshUnixMillis);
    }

    /** Names version and expiry. The user name is an object id, which does not belong into logs either. */
    @Override
    public String toString() {
        return "Token[version=" + version + ", expiresAt=" + expiresAt() + ", secret=[redacted]]";
    }
}
