package entrakey.jedis;

import entrakey.Connection;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What a connection of Jedis's sends and receives tells on which token it is.
 *
 * <p>It also keeps Jedis's subscribers from two errors. One that has ended stays registered for new tokens, and its connection goes
 * back into the pool: Jedis would send AUTH there without reading the answer, which the next command would take for its own. And Jedis says who
 * takes the answer to a subscriber's AUTH after it has sent it: an answer that is faster ends the subscription ("Unexpected
 * message : OK").
 */
final class WireWatch {
    /** Which of Jedis's classes authenticates subscribers. */
    private static final String SUBSCRIBERS = "JedisSafeAuthenticator";
    /** Longer than a thread needs for one line, however busy the machine is, and short for a subscriber. */
    private static final long LONGEST_WAIT_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK_NANOS = TimeUnit.MICROSECONDS.toNanos(50);

    private final JedisConnections connections;
    /** What follows is guarded by this. */
    private Connection connection;
    /** The version that was sent and not answered yet, 0 for none. */
    private long sent;
    /** Who sent it for a subscriber. */
    private Thread sender;
    private boolean hasSubscribed;
    private int channels;
    private boolean closed;

    WireWatch(JedisConnections connections) {
        this.connections = connections;
    }

    /** {@return whether these bytes are to be sent} */
    synchronized boolean writes(byte[] bytes, int offset, int length) {
        Resp.Command command = Resp.command(bytes, offset, length);
        if (command == null) {
            return true;
        }
        switch (command.name) {
            case "AUTH":
            case "HELLO":
                return authenticates(bytes, offset, length);
            case "SUBSCRIBE":
            case "PSUBSCRIBE":
            case "SSUBSCRIBE":
                hasSubscribed = true;
                channels += command.arguments;
                return true;
            case "UNSUBSCRIBE":
            case "PUNSUBSCRIBE":
            case "SUNSUBSCRIBE":
                channels = command.arguments == 0 ? 0 : Math.max(0, channels - command.arguments);
                return true;
            default:
                return true;
        }
    }

    private boolean authenticates(byte[] bytes, int offset, int length) {
        sender = hasSubscribed && isForSubscriber(Thread.currentThread()) ? Thread.currentThread() : null;
        if (sender != null && channels == 0) {
            return false;
        }
        long version = connections.versionIn(bytes, offset, length);
        if (version > 0 && !closed) {
            if (connection == null) {
                connection = connections.opened(version);
            }
            sent = version;
        }
        return true;
    }

    /** Bytes that were received, before Jedis gets them. */
    void reads(byte[] bytes, int offset, int length) {
        Thread registering;
        synchronized (this) {
            String answer = sent == 0 ? null : Resp.answer(bytes, offset, length);
            if (answer == null) {
                return;
            }
            if (answer.isEmpty()) {
                connection.authenticated(sent);
            } else {
                connections.refused(connection, sent, answer);
            }
            sent = 0;
            registering = sender;
            sender = null;
        }
        if (registering != null) {
            awaitRegistration(registering);
        }
    }

    synchronized void closes() {
        closed = true;
        if (connection != null) {
            connection.close();
        }
    }

    private static void awaitRegistration(Thread sender) {
        long end = System.nanoTime() + LONGEST_WAIT_NANOS;
        while (isForSubscriber(sender) && System.nanoTime() < end) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** Asked once for each token, and only of connections that have had a subscriber. */
    private static boolean isForSubscriber(Thread thread) {
        for (StackTraceElement caller : thread.getStackTrace()) {
            if (caller.getClassName().endsWith(SUBSCRIBERS)) {
                return true;
            }
        }
        return false;
    }
}
