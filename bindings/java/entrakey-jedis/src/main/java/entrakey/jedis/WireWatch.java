package entrakey.jedis;

import entrakey.Connection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * What a connection of Jedis's sends and receives tells on which token it is.
 *
 * <p>It also keeps Jedis's subscribers from three errors. One that has ended stays registered for new tokens, and its connection goes
 * back into the pool: Jedis would send AUTH there without reading the answer, which the next command would take for its own. It does so from another
 * thread, into the buffer that whoever has the connection by then is writing to: commands went out twice, and answers came to others than
 * those who had asked. And Jedis says who takes the answer to a subscriber's AUTH after it has sent it: an answer that is faster
 * ends the subscription ("Unexpected message : OK"), and so does a second one, if another subscriber had the connection before.
 */
final class WireWatch {
    /** Which of Jedis's classes authenticates subscribers. */
    private static final String SUBSCRIBERS = "JedisSafeAuthenticator";
    /** Which one calls them all with a new token, one after the other. */
    private static final String CALLER = "AuthXManager";
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
    private volatile boolean hasSubscribed;
    /** Who has begun a command, and not sent it yet. */
    private Thread writer;
    /** What the subscriber has, of each kind. */
    private final Set<String> channels = new HashSet<>();
    private final Set<String> patterns = new HashSet<>();
    private final Set<String> shardChannels = new HashSet<>();
    private boolean closed;

    WireWatch(JedisConnections connections) {
        this.connections = connections;
    }

    /**
     * A command begins: Jedis asks then whether the socket is bound, and writes into its buffer. On a connection that has had a subscriber
     * one thread at a time does so.
     */
    void begins() {
        if (!hasSubscribed) {
            return;
        }
        Thread self = Thread.currentThread();
        long end = System.nanoTime() + LONGEST_WAIT_NANOS;
        boolean interrupted = false;
        synchronized (this) {
            for (long left = LONGEST_WAIT_NANOS; writer != null && writer != self && left > 0; left = end - System.nanoTime()) {
                try {
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            writer = self;
        }
        if (interrupted) {
            self.interrupt();
        }
    }

    /** What was written was sent, or an answer is waited for. */
    void ends() {
        if (!hasSubscribed) {
            return;
        }
        synchronized (this) {
            if (writer == Thread.currentThread()) {
                writer = null;
                notifyAll();
            }
        }
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
                return subscribes(channels, Resp.arguments(command, bytes, offset, length));
            case "PSUBSCRIBE":
                return subscribes(patterns, Resp.arguments(command, bytes, offset, length));
            case "SSUBSCRIBE":
                return subscribes(shardChannels, Resp.arguments(command, bytes, offset, length));
            case "UNSUBSCRIBE":
                return unsubscribes(channels, Resp.arguments(command, bytes, offset, length));
            case "PUNSUBSCRIBE":
                return unsubscribes(patterns, Resp.arguments(command, bytes, offset, length));
            case "SUNSUBSCRIBE":
                return unsubscribes(shardChannels, Resp.arguments(command, bytes, offset, length));
            default:
                return true;
        }
    }

    private boolean subscribes(Set<String> kind, List<String> names) {
        hasSubscribed = true;
        kind.addAll(names);
        return true;
    }

    /** Without a name from all of its kind, and of no other. */
    private static boolean unsubscribes(Set<String> kind, List<String> names) {
        if (names.isEmpty()) {
            kind.clear();
        }
        names.forEach(kind::remove);
        return true;
    }

    private boolean authenticates(byte[] bytes, int offset, int length) {
        sender = hasSubscribed && isIn(Thread.currentThread(), SUBSCRIBERS) ? Thread.currentThread() : null;
        long version = connections.versionIn(bytes, offset, length);
        boolean subscribed = !(channels.isEmpty() && patterns.isEmpty() && shardChannels.isEmpty());
        // For one that has ended; or a second one for one answer, as an earlier subscriber of this connection is called too.
        if (sender != null && (!subscribed || version > 0 && version == sent)) {
            return false;
        }
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
        long answered;
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
            answered = sent;
            registering = sender;
            if (registering == null) {
                sent = 0;
                return;
            }
        }
        awaitRegistration(registering); // earlier subscribers are called meanwhile, too
        synchronized (this) {
            if (sent == answered) {
                sent = 0;
                sender = null;
            }
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
        while (isIn(sender, SUBSCRIBERS, CALLER) && System.nanoTime() < end) {
            LockSupport.parkNanos(LOOK_NANOS);
        }
    }

    /** Asked once for each token, and only of connections that have had a subscriber. */
    private static boolean isIn(Thread thread, String... classes) {
        for (StackTraceElement caller : thread.getStackTrace()) {
            for (String name : classes) {
                if (caller.getClassName().endsWith(name)) {
                    return true;
                }
            }
        }
        return false;
    }
}
