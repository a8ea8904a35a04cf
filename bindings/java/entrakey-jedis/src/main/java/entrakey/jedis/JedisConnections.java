package entrakey.jedis;

import entrakey.Connection;
import entrakey.Rejection;
import entrakey.Subscription;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.authentication.core.Token;

/**
 * The open connections of one Jedis client, and on which token each is.
 *
 * <p>Jedis shows its connections to nobody whom a configuration can name, except to the factory of its TLS sockets: so they are counted
 * there, by {@link WireWatch}. Connections without TLS, which stay on this machine, are not counted one by one.
 */
final class JedisConnections {
    private static final Logger LOG = LoggerFactory.getLogger(JedisAuthentication.class);
    /** Jedis sends the newest token or, while it is replaced, the one before. */
    private static final int KEPT = 3;

    /** A token that Jedis was given. */
    private static final class Given {
        private final long version;
        private final byte[] secret;

        private Given(long version, byte[] secret) {
            this.version = version;
            this.secret = secret;
        }
    }

    private final Subscription subscription;
    /** What follows is guarded by this. The newest token comes first. */
    private final Deque<Given> given = new ArrayDeque<>();
    private boolean counting;
    private String lastRefusal;
    private Rejection lastRejection;

    JedisConnections(Subscription subscription) {
        this.subscription = subscription;
    }

    /** {@return the same token} From now on connections that send it are known to be on it. */
    synchronized Token remember(Token token) {
        long version = LongPollingIdentityProvider.versionOf(token);
        if (given.isEmpty() || given.peekFirst().version != version) {
            given.addFirst(new Given(version, token.getValue().getBytes(StandardCharsets.UTF_8)));
        }
        if (given.size() > KEPT) {
            given.removeLast();
        }
        return token;
    }

    /** {@return the version of the token that these bytes contain, 0 if there is none} */
    synchronized long versionIn(byte[] bytes, int offset, int length) {
        return given.stream()
                .filter(one -> Resp.indexOf(one.secret, bytes, offset, length) >= 0)
                .findFirst()
                .map(one -> one.version)
                .orElse(0L);
    }

    /** {@return a connection that sends its first AUTH} */
    synchronized Connection opened(long version) {
        counting = true;
        return subscription.opened(version);
    }

    /** Jedis has authenticated its connections with this token, which says something where they are not counted. */
    synchronized void acknowledge(Token token) {
        boolean first = given.size() < 2; // it replaces none
        if (!counting && !first) {
            subscription.acknowledge(LongPollingIdentityProvider.versionOf(token), true);
        }
    }

    /** {@return whether connections are counted one by one} */
    synchronized boolean isCounting() {
        return counting;
    }

    void refused(Connection connection, long version, String message) {
        connection.refused(version, message).filter(Rejection::isRefusal).ifPresent(rejection -> {
            synchronized (this) {
                lastRefusal = message;
                lastRejection = rejection;
            }
            LOG.warn("{}", rejection.explanation());
        });
    }

    /** {@return what was made of the refusal that this exception of Jedis's tells of, if a connection has met it} */
    synchronized Optional<Rejection> rejectionOf(Throwable exception) {
        for (Throwable cause = exception; lastRefusal != null && cause != null; cause = cause.getCause()) {
            if (String.valueOf(cause.getMessage()).contains(lastRefusal)) {
                return Optional.of(lastRejection);
            }
        }
        return Optional.empty();
    }
}
