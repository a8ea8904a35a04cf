package entrakey;

import java.lang.ref.WeakReference;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * What a {@link Provider} and its subscriptions share. It does not know its provider, so that one that was forgotten can be found
 * and closed.
 *
 * <p>Whoever waits for a token waits for a future, never inside the library: a virtual thread that waits gives its carrier back.
 */
final class Engine {
    /** No time-out of the caller's: the configured one. */
    static final long CONFIGURED = -1;
    /** How long the threads that wait inside the library go without a look whether their provider was forgotten. */
    private static final long LOOK_MILLIS = 60_000;
    /** The same; tests are less patient. */
    static volatile long lookMillis = LOOK_MILLIS;
    /** The source that runs on this thread: if it asked its own provider for a token, it would wait for itself. */
    private static final ThreadLocal<Engine> SOURCE_OF = new ThreadLocal<>();

    private final Native provider;
    private final TokenSource tokens;
    private final AssertionSource assertions;
    private final ClassLoader sourceLoader;
    private final Executor executor = Threads.executor("entrakey-callback");
    private final Map<Long, CompletableFuture<byte[]>> waits = new ConcurrentHashMap<>();
    private final Map<Long, Listener> listeners = new ConcurrentHashMap<>();
    private final AtomicLong lastWait = new AtomicLong();
    private volatile Token last;
    private volatile boolean closed;
    /** Guarded by this. */
    private boolean started;
    private ExitWatch exit;
    private WeakReference<Provider> owner = new WeakReference<>(null);

    Engine(Native provider, TokenSource tokens, AssertionSource assertions) {
        this.provider = provider;
        this.tokens = tokens;
        this.assertions = assertions;
        this.sourceLoader = Thread.currentThread().getContextClassLoader();
    }

    Native provider() {
        return provider;
    }

    /** Begins to work for a provider. A source must be heard before the first request. */
    void belongsTo(Provider provider, Consumer<Event> observer) {
        owner = new WeakReference<>(provider);
        if (tokens != null || assertions != null) {
            start();
        }
        if (observer != null) {
            ClassLoader loader = Thread.currentThread().getContextClassLoader();
            ExitWatch watch = exitWatch();
            Threads.start("entrakey-events", loader, () -> observe(observer, watch));
        }
    }

    /**
     * The token that the library would hand out now, or null. Whether it may be, and which one, the library decides each time; what is
     * kept here only saves another copy of the same token.
     */
    Token usable() {
        Token kept = last;
        return kept != null && provider.isUsable(kept) ? kept : copied(provider.usable());
    }

    /** The token in memory, however little is left of it, or null. */
    Token valid() {
        Token kept = last;
        return kept != null && provider.isValid(kept) ? kept : copied(provider.valid());
    }

    private Token copied(byte[] bytes) {
        return bytes == null ? null : keep(Token.of(bytes));
    }

    Token await(long timeoutMillis, boolean connecting) {
        Token usable = usable();
        if (usable != null) {
            return usable;
        }
        CompletableFuture<byte[]> answer = ask(timeoutMillis, connecting);
        try {
            return keep(Token.of(answer.get()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            CancellationException interrupted = new CancellationException("interrupted while waiting for a token");
            interrupted.initCause(e);
            throw interrupted;
        } catch (ExecutionException e) {
            throw new EntrakeyException(ErrorKind.INTERNAL, "A wait for a token failed.", e.getCause());
        }
    }

    CompletableFuture<Token> awaitAsync(boolean connecting) {
        Token usable = usable();
        if (usable != null) {
            return CompletableFuture.completedFuture(usable);
        }
        // A stage of our own, completed on a thread that may be blocked: what depends on it runs there.
        return ask(CONFIGURED, connecting).thenApplyAsync(bytes -> keep(Token.of(bytes)), executor);
    }

    private CompletableFuture<byte[]> ask(long timeoutMillis, boolean connecting) {
        boolean insideSource = SOURCE_OF.get() == this;
        start();
        long wait = lastWait.incrementAndGet();
        CompletableFuture<byte[]> answer = new CompletableFuture<>();
        waits.put(wait, answer);
        byte[] known = provider.getToken(wait, timeoutMillis, connecting, insideSource);
        if (known != null) {
            waits.remove(wait);
            answer.complete(known);
        }
        return answer;
    }

    private Token keep(Token token) {
        if (!closed) {
            last = token;
        }
        return token;
    }

    Subscription subscribe(Consumer<? super Token> listener) {
        Objects.requireNonNull(listener, "listener");
        start();
        long number = provider.subscribe();
        listeners.put(number, new Listener(this, listener, executor));
        return new Subscription(this, number);
    }

    /** The listener's calls end; the one under way may go on. */
    Listener unsubscribe(long number) {
        provider.unsubscribe(number);
        Listener listener = listeners.remove(number);
        if (listener != null) {
            listener.end();
        }
        return listener;
    }

    void refresh() {
        start();
        Wire.check(provider.refresh());
    }

    void close() {
        closed = true;
        provider.close();
        last = null;
        synchronized (this) {
            if (exit != null) {
                exit.end();
            }
        }
    }

    /** For the threads that go inside the library, which end when it is closed. */
    private synchronized ExitWatch exitWatch() {
        if (exit == null) {
            exit = new ExitWatch(provider);
            if (closed) {
                exit.end();
            }
        }
        return exit;
    }

    private void start() {
        synchronized (this) {
            if (started || closed) {
                return;
            }
            started = true;
        }
        try {
            ExitWatch watch = exitWatch();
            Threads.start("entrakey-messages", Engine.class.getClassLoader(), () -> takeMessages(watch));
        } catch (Throwable e) { // no memory for a thread: the next call tries again, instead of waiting for nobody
            synchronized (this) {
                started = false;
            }
            throw e;
        }
    }

    private void takeMessages(ExitWatch watch) {
        for (boolean more = true; more; ) {
            byte[] message = provider.take(watch.patience(lookMillis));
            if (message == null) {
                closeIfForgotten();
                listeners.values().forEach(listener -> Threads.guarded(listener::callIfTold));
            } else {
                more = handled(new Wire.Reader(message));
            }
        }
        NativeLibrary.loaded().reclaimer().reclaim();
    }

    /** As {@link #handle}. What it throws (no memory for a thread) must not end this thread, for which others wait. */
    private boolean handled(Wire.Reader message) {
        boolean[] more = {true};
        Threads.guarded(() -> more[0] = handle(message));
        return more[0];
    }

    /** Whether more messages may follow. */
    private boolean handle(Wire.Reader message) {
        switch (message.kind()) {
            case 'A':
                answer(waits.remove(message.number()), message);
                return true;
            case 'N':
                tell(listeners.get(message.number()));
                return true;
            case 'Q':
                long request = message.number();
                String scope = message.text();
                try {
                    executor.execute(() -> supply(request, scope));
                } catch (Throwable e) {
                    provider.fail(request, Wire.lossy(e.toString()));
                    throw e;
                }
                return true;
            default:
                byte[] why = message.rest();
                waits.values().forEach(waiting -> waiting.complete(why));
                // Nobody adds another: the library answers at once from now on.
                listeners.values().forEach(Listener::end);
                listeners.clear();
                return false;
        }
    }

    private static void answer(CompletableFuture<byte[]> waiting, Wire.Reader message) {
        if (waiting != null) {
            waiting.complete(message.rest());
            message.wipe();
        }
    }

    private static void tell(Listener listener) {
        if (listener != null) {
            listener.tell();
        }
    }

    private void closeIfForgotten() {
        // Who waits for a token need not refer to the provider any more: Provider.fromEnvironment().getToken().
        if (owner.get() == null && waits.isEmpty()) {
            close();
        }
        NativeLibrary.loaded().reclaimer().reclaim();
    }

    private void observe(Consumer<Event> observer, ExitWatch watch) {
        while (true) {
            byte[] event = provider.takeEvent(watch.patience(lookMillis));
            if (event == null) {
                closeIfForgotten(); // nobody looks for messages before the first request
                continue;
            }
            Wire.Reader read = new Wire.Reader(event);
            if (read.kind() != 'V') {
                return;
            }
            Threads.guarded(() -> observer.accept(Event.of(read)));
        }
    }

    /** Asks the program's own source; a request without a scope is for an assertion. */
    private void supply(long request, String scope) {
        Thread.currentThread().setContextClassLoader(sourceLoader);
        SOURCE_OF.set(this);
        try {
            AccessToken supplied =
                    scope == null ? AccessToken.of(assertions.assertion()) : tokens.token(scope);
            Objects.requireNonNull(supplied, "the token source returned null");
            String username = supplied.username();
            provider.complete(
                    request,
                    Wire.utf8("The token", supplied.secret()),
                    supplied.expiresUnixMillis(),
                    username == null ? null : Wire.utf8("The user name", username));
        } catch (Throwable e) { // also an Error: the library waits for an answer, and tells of this one
            provider.fail(request, Wire.lossy(e.getMessage() == null ? e.getClass().getName() : e.getMessage()));
            if (e instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
        } finally {
            SOURCE_OF.remove();
        }
    }
}
