package entrakey;

import java.time.Duration;

/** A listener's registration for new tokens. It lives until it is closed, or its provider is. */
public final class Subscription implements AutoCloseable {
    private final Engine engine;
    private final long number;

    Subscription(Engine engine, long number) {
        this.engine = engine;
        this.number = number;
    }

    /**
     * A connection is about to authenticate with the token of {@code version}: for clients that know their connections one by one. With
     * them, status, metrics and events count connections, each once. From the first one on {@link #acknowledge} says nothing
     * any more.
     *
     * @param version the token's version
     * @return the connection, until it is closed
     */
    public Connection opened(long version) {
        return new Connection(engine.provider(), engine.provider().opened(number, version));
    }

    /**
     * Says what became of a re-authentication, for clients that do not know their connections.
     *
     * @param version the token's version
     * @param accepted whether the server took the token
     */
    public void acknowledge(long version, boolean accepted) {
        engine.provider().acknowledge(number, version, accepted);
    }

    /** Ends it. Never waits: a call of the listener that is under way may still go on, no other follows. */
    @Override
    public void close() {
        engine.unsubscribe(number);
    }

    /**
     * Ends it and waits until no call of the listener is under way any more; at once inside such a call.
     *
     * @param timeout how long to wait
     * @return whether no call is under way; true for a subscription that was closed before
     * @throws InterruptedException if this thread is interrupted while it waits
     */
    public boolean close(Duration timeout) throws InterruptedException {
        Listener listener = engine.unsubscribe(number);
        return listener == null || listener.awaitReturn(nanos(timeout));
    }

    /** What is too long for a number of nanoseconds is the longest that is not. */
    private static long nanos(Duration timeout) {
        try {
            return timeout.toNanos();
        } catch (ArithmeticException e) {
            return timeout.isNegative() ? 0 : Long.MAX_VALUE;
        }
    }
}
