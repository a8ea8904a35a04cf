package entrakey.redisauthx.entraid;

import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.time.Duration;
import java.util.Set;
import java.util.function.Supplier;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;

/**
 * The tokens of a provider for a token manager with settings of the program's own, which we do not know. It is answered soon, and with the
 * token's true expiry; whoever asks again before there is another token waits a little.
 */
final class SharedTokens implements IdentityProvider {
    /** Of a manager's time-out: it gives up after a few attempts, for good. */
    private static final int PART = 4;
    private static final Duration LONGEST_WAIT = Duration.ofSeconds(1);

    private final Supplier<ProviderBuilder> identity;
    private final Duration wait;
    private LongPollingIdentityProvider tokens; // guarded by this; made when it is first asked

    SharedTokens(Supplier<ProviderBuilder> identity, Set<String> scopes, int timeoutMillis) {
        this.identity = () -> Identities.scoped(identity.get(), scopes);
        Duration part = Duration.ofMillis(Math.max(0, timeoutMillis) / PART);
        wait = part.compareTo(LONGEST_WAIT) < 0 ? part : LONGEST_WAIT;
    }

    @Override
    public Token requestToken() {
        return new JWToken(tokens().requestToken().getValue());
    }

    private synchronized LongPollingIdentityProvider tokens() {
        if (tokens == null) {
            Provider provider = identity.get().build();
            tokens = new LongPollingIdentityProvider(provider, wait);
        }
        return tokens;
    }
}
