package entrakey.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.exceptions.JedisException;

@Timeout(90)
class JedisAuthenticationTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";
    private static final char[] PASSWORD = "changeit".toCharArray();
    /** Jedis's own 2 s are less than a busy machine takes. */
    private static final int PATIENT_MILLIS = 20_000;

    private static Provider application(Emulator azure) {
        ProviderBuilder builder = Provider.builder().reauthSpread(0);
        azure.configuration().forEach(builder::set);
        return builder.build();
    }

    private static DefaultJedisClientConfig.Builder config(Emulator azure) throws Exception {
        SslOptions trust = SslOptions.builder().truststore(azure.trustStore(PASSWORD), PASSWORD).build();
        return DefaultJedisClientConfig.builder().sslOptions(trust).timeoutMillis(PATIENT_MILLIS).resp3();
    }

    /** Stock Jedis with redis-authx-entraid answers two fail-overs with tens of thousands of token requests a second. */
    @Test
    void aClusterOutlivesFailOversWithOneRequestForEachToken() throws Exception {
        try (Emulator azure = Emulator.start("--token-lifetime=8s", "--cluster-policy=oss")) {
            try (Provider provider = application(azure)) {
                AtomicInteger calls = new AtomicInteger();
                JedisAuthentication authentication = JedisAuthentication.of(provider, asked -> () -> {
                    calls.incrementAndGet();
                    return asked.requestToken();
                });
                HostAndPort server = new HostAndPort(azure.redisHost(), azure.redisPort());
                JedisClientConfig config = authentication.configure(
                        config(azure).hostAndPortMapper(node -> new HostAndPort("localhost", node.getPort())).build(), server);
                RedisClusterClient cluster =
                        RedisClusterClient.builder().nodes(Collections.singleton(server)).clientConfig(config).build();
                for (int node = 1; node <= 2; node++) {
                    azure.control("POST", "/emulator/redis/failover", "{\"node\": " + node + ", \"down_ms\": 200}");
                    for (long version = provider.version() + 2; provider.version() < version; Thread.sleep(20)) {
                        attempt(cluster);
                    }
                }
                for (int i = 0; i < 50; i++) {
                    assertEquals("OK", cluster.set("key:" + i, "value"));
                }
                assertTrue(
                        azure.count("token_requests", "total") <= provider.version() + 1,
                        azure.count("token_requests", "total") + " requests for " + provider.version() + " tokens");
                assertTrue(calls.get() <= 2 * provider.version() + 1, calls + " calls for " + provider.version() + " tokens");
                cluster.close();
                authentication.close();
                int atClose = calls.get();
                long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(3); // stock Jedis asked 120,000 times
                while (System.nanoTime() < end) {
                    Thread.sleep(20);
                    assertTrue(calls.get() <= atClose + 2, calls.get() - atClose + " calls after the end");
                }
            }
        }
    }

    /** What a node that is away makes fail is not what this test is about. */
    private static void attempt(RedisClusterClient cluster) {
        try {
            cluster.set("key", "value");
        } catch (JedisException e) {
            assertFalse(String.valueOf(e.getMessage()).contains("WRONGPASS"), e.toString());
        }
    }

    @Test
    void aRefusalIsExplained() throws Exception {
        try (Emulator azure = Emulator.start();
                Provider provider = application(azure);
                JedisAuthentication authentication = JedisAuthentication.of(provider)) {
            HostAndPort server = new HostAndPort(azure.redisHost(), azure.redisPort());
            azure.control("POST", "/emulator/redis/faults", "[{\"on\": \"auth\", \"refuse\": true, \"times\": 9}]");
            JedisClientConfig config = authentication.configure(config(azure).build(), server);
            try (RedisClient jedis = RedisClient.builder().hostAndPort(server).clientConfig(config).build()) {
                JedisException refused = assertThrows(JedisException.class, jedis::ping);
                assertTrue(authentication.explain(refused).get().contains("access policy"), refused.toString());
                assertEquals(1L, provider.status().counters().get("auth_rejections.no_access_policy"));
            }
            assertFalse(authentication.explain(new IllegalStateException("Unexpected end of stream.")).isPresent());
        }
    }

    @Test
    void plaintextToAnotherMachineIsRefusedAndAPasswordIsLeftOut() {
        JedisClientConfig plain = DefaultJedisClientConfig.builder().user("user").password("secret").build();
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                JedisAuthentication authentication = JedisAuthentication.of(provider)) {
            EntrakeyException error = assertThrows(
                    EntrakeyException.class,
                    () -> authentication.configure(plain, new HostAndPort("cache.example.com", 10000)));
            assertEquals(ErrorKind.INVALID_CONFIG, error.kind());
            assertTrue(error.getMessage().contains("cache.example.com") && error.getMessage().contains("SslOptions"));
            assertThrows(EntrakeyException.class, () -> authentication.configure(plain), "nobody knows where it connects to");
            JedisClientConfig local = authentication.configure(plain, new HostAndPort("localhost", 6379));
            assertNull(local.getPassword());
            authentication.allowPlaintext().configure(plain);
        }
    }
}
