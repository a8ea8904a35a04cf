package entrakey.lettuce;

import entrakey.Connection;
import entrakey.Provider;
import entrakey.Rejection;
import entrakey.Subscription;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.event.Event;
import io.lettuce.core.event.connection.ReauthenticationEvent;
import io.lettuce.core.event.connection.ReauthenticationFailedEvent;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The open connections of the clients that are observed, and on which token each is.
 *
 * <p>Lettuce says which connection was opened or closed, but of an AUTH on an open one only what became of it. So it counts for one of
 * those that still had it before them: how many connections are on which token is right, and which of them is known to nobody.
 */
final class LettuceConnections implements RedisConnectionStateListener {
    private static final Logger LOG = LoggerFactory.getLogger(LettuceAuthentication.class);

    private final Provider provider;
    private final Subscription subscription;
    private final Map<RedisChannelHandler<?, ?>, Connection> open = new ConcurrentHashMap<>();
    /** The version of the credentials that connections are made with. */
    private volatile long resolved;
    /** The version that open connections authenticate with. */
    private volatile long announced;

    LettuceConnections(Provider provider, Subscription subscription) {
        this.provider = provider;
        this.subscription = subscription;
    }

    void resolve(long version) {
        resolved = version;
    }

    void announce(long version) {
        announced = version;
    }

    @Override
    public void onRedisConnected(RedisChannelHandler<?, ?> handler, SocketAddress address) {
        long version = resolved;
        Connection connection = subscription.opened(version);
        connection.authenticated(version); // Lettuce says so after the handshake
        close(open.put(handler, connection));
    }

    @Override
    public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
        close(open.remove(handler));
    }

    void report(Event event) {
        if (event instanceof ReauthenticationEvent) {
            accepted(announced);
        } else if (event instanceof ReauthenticationFailedEvent) {
            refused(announced, String.valueOf(((ReauthenticationFailedEvent) event).getCause()));
        }
    }

    private void accepted(long version) {
        if (open.isEmpty()) {
            subscription.acknowledge(version, true); // clients of a framework's, whose connections nobody has shown
        } else {
            behind(version).ifPresent(connection -> connection.authenticated(version));
        }
    }

    private void refused(long version, String message) {
        Optional<Rejection> rejection = behind(version).flatMap(connection -> connection.refused(version, message));
        if (!rejection.isPresent()) {
            rejection = Optional.of(provider.reportRejected(version, message));
            subscription.acknowledge(version, false);
        }
        rejection.filter(Rejection::isRefusal).ifPresent(verdict -> LOG.warn("{}", verdict.explanation()));
    }

    private Optional<Connection> behind(long version) {
        return open.values().stream().filter(connection -> connection.isBehind(version)).findAny();
    }

    private static void close(Connection connection) {
        if (connection != null) {
            connection.close();
        }
    }
}
