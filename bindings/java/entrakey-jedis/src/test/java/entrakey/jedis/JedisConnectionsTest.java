package entrakey.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.Status;
import entrakey.emulator.Emulator;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.authentication.core.Token;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;

@Timeout(60)
class JedisConnectionsTest {
    private static final char[] PASSWORD = "changeit".toCharArray();
    /** Jedis's own 2 s are less than a busy machine takes. */
    private static final int PATIENT_MILLIS = 20_000;

    private static Provider machine(Emulator azure) {
        ProviderBuilder builder = Provider.builder().reauthSpread(0).minRequestInterval(Duration.ofMillis(250));
        azure.configuration().forEach(builder::set);
        return builder.build();
    }

    private static RedisClient client(JedisAuthentication authentication, Emulator azure, ConnectionPoolConfig pool) throws Exception {
        HostAndPort server = new HostAndPort(azure.redisHost(), azure.redisPort());
        SslOptions trust = SslOptions.builder().truststore(azure.trustStore(PASSWORD), PASSWORD).build();
        return RedisClient.builder()
                .hostAndPort(server)
                .poolConfig(pool)
                .clientConfig(authentication.configure(
                        DefaultJedisClientConfig.builder().sslOptions(trust).timeoutMillis(PATIENT_MILLIS).resp3().build(), server))
                .build();
    }

    /** Jedis calls such a subscriber with new tokens for ever. */
    private static void subscribeAndEnd(RedisClient jedis) {
        jedis.subscribe(new JedisPubSub() {
            @Override
            public void onSubscribe(String channel, int channels) {
                unsubscribe();
            }
        }, "news");
    }

    private static Status until(Provider provider, Predicate<Status> reached) throws InterruptedException {
        Status status = provider.status();
        while (!reached.test(status)) {
            Thread.sleep(20); // the test's time-out ends it
            status = provider.status();
        }
        return status;
    }

    private static long count(Status status, String counter) {
        return status.counters().getOrDefault(counter, 0L);
    }

    /** Jedis keeps a subscriber that has ended registered, and would write AUTH on its connection, which others use. */
    @Test
    void theConnectionOfASubscriberThatEndedGivesEachCommandItsOwnAnswer() throws Exception {
        ConnectionPoolConfig one = new ConnectionPoolConfig();
        one.setMaxTotal(1);
        try (Emulator azure = Emulator.start();
                Provider provider = machine(azure);
                JedisAuthentication authentication = JedisAuthentication.of(provider);
                RedisClient jedis = client(authentication, azure, one)) {
            subscribeAndEnd(jedis);
            provider.refresh();
            until(provider, status -> count(status, "reauths_accepted") == 1);
            assertEquals("PONG", jedis.ping());
            assertEquals("OK", jedis.set("key", "value"));
            assertEquals("value", jedis.get("key"));
            assertEquals(1, provider.status().connections());
        }
    }

    /** Jedis called those that had ended with each token, and they wrote into the buffer of whoever used their connection then. */
    @Test
    void answersAreOnesOwnHoweverManyTokensComeAfterASubscriberThatEnded() throws Exception {
        ConnectionPoolConfig one = new ConnectionPoolConfig();
        one.setMaxTotal(1);
        try (Emulator azure = Emulator.start();
                Provider provider = machine(azure);
                LongPollingIdentityProvider identity = new LongPollingIdentityProvider(provider);
                JedisAuthentication authentication = JedisAuthentication.of(provider);
                RedisClient jedis = client(authentication, azure, one)) {
            for (int subscribers = 0; subscribers < 3; subscribers++) {
                subscribeAndEnd(jedis);
            }
            Token token = identity.requestToken();
            AtomicBoolean done = new AtomicBoolean();
            Thread renewals = new Thread(() -> {
                while (!done.get()) {
                    authentication.authXManager().authenticateConnections(token);
                    LockSupport.parkNanos(100_000); // the pool gives the connection to nobody while it looks at it
                }
            });
            renewals.start();
            for (int number = 0; number < 500; number++) {
                assertEquals("OK", jedis.set("key", "value" + number));
                assertEquals("value" + number, jedis.get("key"));
                assertEquals("PONG", jedis.ping());
            }
            done.set(true);
            renewals.join();
        }
    }

    @Test
    void theConnectionOfASubscriberIsOnTheNewToken() throws Exception {
        try (Emulator azure = Emulator.start();
                Provider provider = machine(azure);
                JedisAuthentication authentication = JedisAuthentication.of(provider);
                RedisClient jedis = client(authentication, azure, new ConnectionPoolConfig())) {
            subscribeAndEnd(jedis);
            CountDownLatch subscribed = new CountDownLatch(1);
            CountDownLatch heard = new CountDownLatch(1);
            JedisPubSub subscriber = new JedisPubSub() {
                @Override
                public void onMessage(String channel, String message) {
                    heard.countDown();
                }

                @Override
                public void onSubscribe(String channel, int channels) {
                    subscribed.countDown();
                }
            };
            Thread thread = new Thread(() -> jedis.subscribe(subscriber, "news"));
            thread.start();
            subscribed.await();
            provider.refresh();
            Status renewed = until(provider, status -> count(status, "reauths_accepted") == 1);
            assertTrue(renewed.connections() == 1 && renewed.staleConnections() == 0, renewed.toString());
            assertEquals(1, jedis.publish("news", "it is subscribed still"));
            heard.await();
            subscriber.unsubscribe();
            thread.join();
        }
    }
}
