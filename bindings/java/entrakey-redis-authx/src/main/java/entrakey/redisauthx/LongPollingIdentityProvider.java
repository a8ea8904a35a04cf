package entrakey.redisauthx;

import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.Subscription;
import java.lang.ref.WeakReference;
import java.time.Duration;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;
import redis.clients.authentication.core.TokenAuthConfig;
import redis.clients.authentication.core.TokenManagerConfig;

/**
 * Gives redis-authx's token manager a token when it is time to authenticate with another one, and lets it wait until then.
 *
 * <p>The token managers of redis-authx 0.1.1-beta2 and 0.2.0 make one more chain of requests for each listener that throws. Of Jedis's
 * that happens whenever a node of a cluster goes away; two fail-overs made 40,000 requests a second, also after the client was
 * closed. Here a request waits for news, so any number of chains ask as often as there are tokens.
 *
 * <p>For one token manager. Close it when its client is closed.
 */
public final class LongPollingIdentityProvider implements IdentityProvider, AutoCloseable {
    /** A request waits no longer than this for another token, and then gives the same one again. */
    static final Duration LONGEST_WAIT = Duration.ofMinutes(10);
    /** How long a request waits that nobody should make any more. */
    private static final Duration PAUSE = Duration.ofSeconds(2);
    /** For how long a token manager waits for an answer. */
    private static final Duration PATIENCE = LONGEST_WAIT.plusMinutes(5);
    /** How long a token manager waits after an error. Meanwhile the provider tries on by its own rules. */
    private static final Duration RETRY = Duration.ofSeconds(1);

    private final Provider provider;
    private final Duration longestWait;
    private final Subscription subscription;
    /** What follows is guarded by this: the newest version that is to be used, the one that was given last. */
    private long announced;
    private long given;
    private boolean asked;
    private boolean closed;

    /**
     * Gives the tokens of a provider.
     *
     * @param provider whose tokens; it is not closed with this
     */
    public LongPollingIdentityProvider(Provider provider) {
        this(provider, LONGEST_WAIT);
    }

    /**
     * Gives the tokens of a provider to a token manager that is less patient than {@link #tokenAuthConfig} makes one.
     *
     * @param provider whose tokens; it is not closed with this
     * @param longestWait how long a request waits for another token, before it gives the same one again
     */
    public LongPollingIdentityProvider(Provider provider, Duration longestWait) {
        this.provider = provider;
        this.longestWait = longestWait;
        WeakReference<LongPollingIdentityProvider> me = new WeakReference<>(this);
        // Held weakly, so that with a token manager that was stopped and forgotten its provider is found and closed.
        this.subscription = provider.subscribe(token -> tell(me.get(), token.version()));
    }

    /** {@return a configuration for redis-authx's {@code TokenManager}, whose settings mean nothing else than to ask and to wait} */
    public TokenAuthConfig tokenAuthConfig() {
        TokenManagerConfig.RetryPolicy always =
                new TokenManagerConfig.RetryPolicy(Integer.MAX_VALUE, (int) RETRY.toMillis());
        TokenManagerConfig patient = new TokenManagerConfig(1f, 0, (int) PATIENCE.toMillis(), always);
        return new TokenAuthConfig(patient, () -> this);
    }

    /** {@return whether a token manager has asked yet: one that has not fails when it is stopped} */
    public synchronized boolean wasAsked() {
        return asked;
    }

    /** {@return the subscription, which tells the provider what became of re-authentications} */
    public Subscription subscription() {
        return subscription;
    }

    /**
     * {@return the first token, or the next one when its time has come}
     *
     * @throws EntrakeyException if there is no valid token
     */
    @Override
    public Token requestToken() {
        awaitNews();
        // The valid token may have less left than the provider would give to a new caller: an open connection has no better one.
        entrakey.Token token = provider.current().orElseGet(provider::getTokenForConnect);
        synchronized (this) {
            given = Math.max(given, token.version());
        }
        return new AuthXToken(token);
    }

    /**
     * {@return the version of a token that one of these gave, 0 of any other}
     *
     * @param token what redis-authx hands on
     */
    public static long versionOf(Token token) {
        return token instanceof AuthXToken ? ((AuthXToken) token).version() : 0;
    }

    /** Ends waits. Requests that come all the same wait two seconds. */
    @Override
    public void close() {
        subscription.close();
        synchronized (this) {
            closed = true;
            notifyAll();
        }
    }

    private static void tell(LongPollingIdentityProvider waiting, long version) {
        if (waiting != null) {
            waiting.announce(version);
        }
    }

    private synchronized void announce(long version) {
        announced = Math.max(announced, version);
        notifyAll();
    }

    private synchronized void awaitNews() {
        asked = true;
        if (given == 0) {
            return;
        }
        long end = System.nanoTime() + longestWait.toNanos();
        long endIfClosed = System.nanoTime() + PAUSE.toNanos();
        try {
            while (announced <= given) {
                long left = (closed ? endIfClosed : end) - System.nanoTime();
                if (left <= 0) {
                    break;
                }
                wait(left / 1_000_000 + 1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new EntrakeyException(ErrorKind.CLOSED, "The wait for another token was interrupted.", e);
        }
    }
}
