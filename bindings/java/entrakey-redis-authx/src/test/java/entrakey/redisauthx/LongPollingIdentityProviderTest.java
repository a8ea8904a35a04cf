package entrakey.redisauthx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;
import redis.clients.authentication.core.TokenListener;
import redis.clients.authentication.core.TokenManager;

@Timeout(60)
class LongPollingIdentityProviderTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    @Test
    void theFirstTokenComesAtOnceAndTheNextWhenThereIsOne() throws Exception {
        try (Emulator azure = Emulator.start("--token-lifetime=8s")) {
            ProviderBuilder builder = Provider.builder();
            azure.configuration().forEach(builder::set);
            try (Provider provider = builder.build();
                    LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider)) {
                Token first = identity.requestToken();
                assertEquals(1, LongPollingIdentityProvider.versionOf(first));
                assertEquals(provider.getToken().secret(), first.getValue());
                assertEquals(first.getUser(), first.tryGet("oid", String.class));
                assertTrue(first.ttl() > 0 && first.ttl() <= 8000 && !first.isExpired());
                assertFalse(first.toString().contains(first.getValue()));
                assertEquals(2, LongPollingIdentityProvider.versionOf(identity.requestToken()));
                assertEquals(2, azure.count("token_requests", "total"));
            }
        }
    }

    @Test
    void aRequestWaitsAsLongAsThereIsNoNewsAndCloseEndsIt() throws Exception {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build()) {
            LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider);
            identity.requestToken();
            CompletableFuture<Token> waiting = CompletableFuture.supplyAsync(identity::requestToken);
            Assertions.assertThrows(TimeoutException.class, () -> waiting.get(300, TimeUnit.MILLISECONDS));
            identity.close();
            assertEquals(1, LongPollingIdentityProvider.versionOf(waiting.get(20, TimeUnit.SECONDS)), "the same once more");
        }
    }

    /** What Jedis does whenever a node goes away: its listener throws, and the token manager makes one more chain of requests. */
    @Test
    void aTokenManagerWhoseListenerThrowsDoesNotStorm() throws Exception {
        try (Emulator azure = Emulator.start("--token-lifetime=8s")) {
            ProviderBuilder builder = Provider.builder();
            azure.configuration().forEach(builder::set);
            try (Provider provider = builder.build();
                    LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider)) {
                CountingProvider counting = new CountingProvider(identity);
                TokenManager manager = new TokenManager(counting, identity.tokenAuthConfig().getTokenManagerConfig());
                manager.start(new Thrower(), false);
                for (long end = System.nanoTime() + 40_000_000_000L; provider.version() < 3 && System.nanoTime() < end; ) {
                    Thread.sleep(20);
                }
                assertEquals(3, provider.version());
                long requests = azure.count("token_requests", "total");
                assertTrue(requests <= provider.version() + 1, requests + " requests for " + provider.version() + " tokens");
                assertTrue(counting.calls.get() < 50, counting.calls + " calls for " + provider.version() + " tokens");
                identity.close();
                manager.stop();
            }
        }
    }

    private static final class CountingProvider implements IdentityProvider {
        private final AtomicInteger calls = new AtomicInteger();
        private final LongPollingIdentityProvider identity;

        CountingProvider(LongPollingIdentityProvider identity) {
            this.identity = identity;
        }

        @Override
        public Token requestToken() {
            calls.incrementAndGet();
            return identity.requestToken();
        }
    }

    private static final class Thrower implements TokenListener {
        @Override
        public void onTokenRenewed(Token token) {
            throw new IllegalStateException("Pool not open");
        }

        @Override
        public void onError(Exception reason) {}
    }
}
