package entrakey;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * Supplies the access token of one identity and keeps it fresh in the background, from the first token on.
 *
 * <p>One for each identity, for the life of the process, shared by all clients and threads. Making one does no network I/O. A
 * valid token costs a few nanoseconds; without one any number of callers wait for one request. All methods may be called from
 * any thread, virtual ones too: none keeps a carrier while it waits.
 */
public final class Provider implements AutoCloseable {
    /** The media type of what {@link #metrics} returns. */
    public static final String METRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    private final Engine engine;

    Provider(Native opened, TokenSource tokens, AssertionSource assertions, Consumer<Event> observer) {
        engine = new Engine(opened, tokens, assertions);
        engine.belongsTo(this, observer);
    }

    /** {@return a builder; what it is not told comes from the environment and from a file} */
    public static ProviderBuilder builder() {
        return new ProviderBuilder();
    }

    /** {@return a provider that the environment configures} */
    public static Provider fromEnvironment() {
        return builder().build();
    }

    /**
     * {@return a valid token: from memory, or else from the source} Waits for it at most as long as is configured
     * ({@code get_token_timeout_ms}, 30 seconds), through failures that pass. Whoever is interrupted gets a
     * {@link java.util.concurrent.CancellationException}, and stays interrupted.
     *
     * @throws EntrakeyException what the source said last, or {@link ErrorKind#TIMEOUT}
     */
    public Token getToken() {
        return engine.await(Engine.CONFIGURED, false);
    }

    /**
     * {@return a valid token} As {@link #getToken()}, and waits for at most {@code timeout}.
     *
     * @param timeout how long to wait
     */
    public Token getToken(Duration timeout) {
        return engine.await(Math.max(0, Wire.millis(timeout)), false);
    }

    /**
     * {@return a valid token, for a hook that a client calls again and again while it connects} Waits for 5 seconds at most, and during an
     * outage only the first call waits: the others fail at once with what the source said last.
     */
    public Token getTokenForConnect() {
        return engine.await(Engine.CONFIGURED, true);
    }

    /**
     * {@return a valid token, or the failure} As {@link #getToken()} without waiting. Complete already if a token is in memory; else what
     * depends on it runs on a thread of this library's, and may block.
     */
    public CompletableFuture<Token> getTokenAsync() {
        return engine.awaitAsync(false);
    }

    /** {@return a valid token, or the failure} As {@link #getTokenForConnect()} without waiting. */
    public CompletableFuture<Token> getTokenForConnectAsync() {
        return engine.awaitAsync(true);
    }

    /** {@return the token in memory if it is still valid, however little is left of it} Never waits, never causes a request. */
    public Optional<Token> current() {
        return Optional.ofNullable(engine.valid());
    }

    /** {@return the version of the token in memory, 0 before the first one and after {@link #close}. Compare it before each command} */
    public long version() {
        return engine.provider().version();
    }

    /**
     * Waits until a token would be given from memory: for health checks at start-up.
     *
     * @param timeout how long to wait
     * @throws EntrakeyException as {@link #getToken()}
     */
    public void ready(Duration timeout) {
        getToken(timeout);
    }

    /**
     * Calls {@code listener} with each token that replaces another, on a thread of this library's, one call at a time and each listener at
     * its own random moment early enough to re-authenticate. A listener that is slow gets the newest token only. It runs
     * with the context class loader of the thread that subscribes; what it throws goes to that thread's handler of uncaught exceptions.
     *
     * <p>Subscribe first and connect with {@link #getToken()} afterwards: a token that came in between would be missed the other
     * way round.
     *
     * @param listener what is called
     * @return the registration, to be closed
     * @throws EntrakeyException of kind {@link ErrorKind#CLOSED}
     */
    public Subscription subscribe(Consumer<? super Token> listener) {
        return engine.subscribe(listener);
    }

    /** Asks for a new token soon, whatever is left of the current one: for when a secret was replaced. Never waits. */
    public void refresh() {
        engine.refresh();
    }

    /**
     * Says what a server answered to an AUTH with the token of this version. If another token could help, one is asked for in the
     * background. Never waits.
     *
     * @param version the token's version
     * @param message what the server or the client says
     * @return what is to be made of it
     */
    public Rejection reportRejected(long version, String message) {
        return Rejection.of(engine.provider().reportRejected(version, Wire.lossy(message)));
    }

    /** {@return what the provider is doing now} Never waits, never causes a request. */
    public Status status() {
        return new Status(engine.provider().status());
    }

    /**
     * {@return the metrics of these providers for Prometheus, as OpenMetrics ({@link #METRICS_CONTENT_TYPE})} The configured
     * {@code name} tells them apart. Pass all of a process's in one call, because a page must not describe a metric twice.
     *
     * @param providers whose metrics
     */
    public static String metrics(Provider... providers) {
        Native[] all = Arrays.stream(providers).map(provider -> provider.engine.provider()).toArray(Native[]::new);
        return new String(Native.metrics(all), StandardCharsets.UTF_8);
    }

    /** Ends the background work and forgets the token. Calls that wait fail with {@link ErrorKind#CLOSED}. Waits for nothing. */
    @Override
    public void close() {
        engine.close();
    }

    /** Shows no secret. */
    @Override
    public String toString() {
        return "Provider[version=" + version() + ']';
    }
}
