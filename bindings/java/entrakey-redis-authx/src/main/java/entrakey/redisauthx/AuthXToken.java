package entrakey.redisauthx;

import java.util.Date;
import redis.clients.authentication.core.Token;

/** A token as redis-authx wants it. */
final class AuthXToken implements Token {
    /** After so long the token manager is to ask again: at once, since {@link LongPollingIdentityProvider} lets it wait there. */
    private static final long ASK_AGAIN_MILLIS = 1;

    private final entrakey.Token token;
    private final long receivedAt = System.currentTimeMillis();

    AuthXToken(entrakey.Token token) {
        this.token = token;
    }

    /** {@return its number among the provider's tokens} */
    long version() {
        return token.version();
    }

    @Override
    public String getUser() {
        return token.username();
    }

    @Override
    public String getValue() {
        return token.secret();
    }

    /** Not the token's expiry: the token manager only reckons from it when it asks for the next one. */
    @Override
    public long getExpiresAt() {
        return receivedAt + ASK_AGAIN_MILLIS;
    }

    @Override
    public long getReceivedAt() {
        return receivedAt;
    }

    @Override
    public boolean isExpired() {
        return ttl() <= 0;
    }

    @Override
    public long ttl() {
        return token.expiresAt().toEpochMilli() - System.currentTimeMillis();
    }

    @Override
    public <T> T tryGet(String key, Class<T> type) {
        switch (key) {
            case "oid":
                return cast(token.username(), type);
            case "exp":
                return cast(Date.from(token.expiresAt()), type);
            default:
                return null;
        }
    }

    private static <T> T cast(Object value, Class<T> type) {
        return type.isInstance(value) ? type.cast(value) : null;
    }

    /** Shows no secret. */
    @Override
    public String toString() {
        return "AuthXToken[version=" + token.version() + ", expiresAt=" + token.expiresAt() + ']';
    }
}
