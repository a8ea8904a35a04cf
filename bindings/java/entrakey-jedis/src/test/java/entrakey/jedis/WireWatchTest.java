package entrakey.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.Provider;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class WireWatchTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    private static boolean writes(WireWatch watch, String... parts) {
        StringBuilder command = new StringBuilder("*" + parts.length + "\r\n");
        for (String part : parts) {
            command.append('$').append(part.length()).append("\r\n").append(part).append("\r\n");
        }
        byte[] bytes = command.toString().getBytes(StandardCharsets.UTF_8);
        return watch.writes(bytes, 0, bytes.length);
    }

    private static void reads(WireWatch watch, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        watch.reads(bytes, 0, bytes.length);
    }

    /** In the place of Jedis's class, which says after the AUTH who takes the answer. */
    private static final class SlowJedisSafeAuthenticator {
        private static void authenticate(WireWatch watch, CountDownLatch sent, CountDownLatch registered) throws InterruptedException {
            writes(watch, "AUTH", "me", TOKEN);
            sent.countDown();
            registered.await();
        }
    }

    @Test
    void theAnswerToASubscribersAuthComesAfterJedisHasSaidWhoTakesIt() throws Exception {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider)) {
            JedisConnections connections = new JedisConnections(identity.subscription());
            connections.remember(identity.requestToken());
            WireWatch watch = new WireWatch(connections);
            writes(watch, "HELLO", "3", "AUTH", "me", TOKEN);
            reads(watch, "%1\r\n+proto\r\n:3\r\n");
            writes(watch, "SUBSCRIBE", "news");
            CountDownLatch sent = new CountDownLatch(1);
            CountDownLatch registered = new CountDownLatch(1);
            Thread sender = new Thread(() -> {
                try {
                    SlowJedisSafeAuthenticator.authenticate(watch, sent, registered);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            sender.start();
            sent.await();
            CompletableFuture<Void> read = CompletableFuture.runAsync(() -> reads(watch, "+OK\r\n"));
            assertThrows(TimeoutException.class, () -> read.get(100, TimeUnit.MILLISECONDS));
            registered.countDown();
            read.get(20, TimeUnit.SECONDS);
            sender.join();
            assertEquals(1, provider.status().connections());
            watch.closes();
            assertEquals(0, provider.status().connections());
        }
    }

    /** In the place of Jedis's class. */
    private static final class PlainJedisSafeAuthenticator {
        private static boolean authenticate(WireWatch watch) {
            return writes(watch, "AUTH", "me", TOKEN);
        }
    }

    @Test
    void aSubscriberGetsTokensForAsLongAsItHasAChannelOrAPattern() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider)) {
            JedisConnections connections = new JedisConnections(identity.subscription());
            connections.remember(identity.requestToken());
            WireWatch watch = new WireWatch(connections);
            writes(watch, "SUBSCRIBE", "news", "news", "weather");
            writes(watch, "PSUBSCRIBE", "news.*");
            writes(watch, "UNSUBSCRIBE");
            assertTrue(PlainJedisSafeAuthenticator.authenticate(watch), "the pattern is left");
            assertFalse(PlainJedisSafeAuthenticator.authenticate(watch), "there is one answer for a subscriber, whoever was one before");
            reads(watch, "+OK\r\n");
            writes(watch, "SUBSCRIBE", "news", "news");
            writes(watch, "PUNSUBSCRIBE");
            writes(watch, "UNSUBSCRIBE", "weather");
            assertTrue(PlainJedisSafeAuthenticator.authenticate(watch), "a channel is left");
            writes(watch, "UNSUBSCRIBE", "news");
            assertFalse(PlainJedisSafeAuthenticator.authenticate(watch), "nobody would read the answer");
        }
    }

    @Test
    void whatIsNoTokenOfOursIsNotCounted() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider)) {
            JedisConnections connections = new JedisConnections(identity.subscription());
            connections.remember(identity.requestToken());
            WireWatch watch = new WireWatch(connections);
            assertTrue(writes(watch, "AUTH", "a password"));
            reads(watch, "+OK\r\n");
            assertTrue(writes(watch, "SET", "key", "*3\r\n$4\r\nAUTH\r\n"));
            assertEquals(0, provider.status().connections());
            watch.closes();
        }
    }
}
