package entrakey.redisson;

import entrakey.Connection;
import entrakey.Rejection;
import entrakey.Subscription;
import entrakey.Token;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.redisson.client.NettyHook;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The open connections of any number of Redisson clients, and on which token each is. */
final class RedissonConnections {
    private static final Logger LOG = LoggerFactory.getLogger(RedissonAuthentication.class);
    /** A connection sends the newest token or, while it is replaced, the one before. */
    private static final int KEPT = 3;

    private final Set<RedissonChannel> open = ConcurrentHashMap.newKeySet();
    private final Deque<Token> given = new ArrayDeque<>(); // guarded by itself, the newest first
    private volatile Subscription subscription;
    private volatile Token announced;
    private volatile boolean hooked;

    /** Begins to report; before the first connection. */
    void reportTo(Subscription begun) {
        subscription = begun;
    }

    /** {@return whether a client shows its connections here} */
    boolean isHooked() {
        return hooked;
    }

    /** {@return what shows the connections of a client here, and to the hook that the client has itself} */
    NettyHook hook(NettyHook own) {
        return new Hook(own instanceof Hook ? ((Hook) own).own : own); // of an earlier configure()
    }

    /** {@return the same token} From now on connections that send it are known to be on it. */
    Token remember(Token token) {
        synchronized (given) {
            if (given.isEmpty() || given.peekFirst().version() != token.version()) {
                given.addFirst(token);
            }
            if (given.size() > KEPT) {
                given.removeLast();
            }
        }
        return token;
    }

    /** {@return the version of the token with this secret, 0 if it is another password} */
    long versionOf(Object secret) {
        synchronized (given) {
            return given.stream().filter(token -> token.secret().equals(secret)).findFirst().map(Token::version).orElse(0L);
        }
    }

    /** It is time for this token. */
    void announce(Token token) {
        announced = remember(token);
        open.forEach(RedissonChannel::renew);
    }

    /** {@return the token that open connections are to have, or null if that is the one that they were opened with} */
    Token announced() {
        return announced;
    }

    Connection opened(long version) {
        return subscription.opened(version);
    }

    /** A connection has finished its handshake. */
    void add(RedissonChannel channel) {
        open.add(channel);
        channel.renew(); // a token that was announced in between
    }

    void remove(RedissonChannel channel) {
        open.remove(channel);
    }

    /** {@return whether that is a verdict on the token, with which the connection goes on without it} */
    boolean refused(Connection connection, long version, String message) {
        Rejection rejection = connection.refused(version, message).filter(Rejection::isRefusal).orElse(null);
        if (rejection == null) {
            return false;
        }
        LOG.warn("{}", rejection.explanation());
        return true;
    }

    /** Shows each channel of a client here. */
    private final class Hook implements NettyHook {
        private final NettyHook own;

        Hook(NettyHook own) {
            this.own = own;
        }

        @Override
        public void afterBoostrapInitialization(Bootstrap bootstrap) {
            own.afterBoostrapInitialization(bootstrap);
        }

        @Override
        public void afterChannelInitialization(Channel channel) {
            own.afterChannelInitialization(channel);
            hooked = true;
            channel.pipeline().addLast(new RedissonChannel(RedissonConnections.this));
        }
    }
}
