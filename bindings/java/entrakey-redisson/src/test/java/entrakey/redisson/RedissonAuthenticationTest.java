package entrakey.redisson;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RBlockingQueue;
import org.redisson.api.RFuture;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import org.redisson.connection.ConnectionListener;

@Timeout(60)
class RedissonAuthenticationTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    @Test
    void aClientStartsWithAFirstTokenThatIsSlow() throws Exception {
        try (Emulator azure = Emulator.start()) {
            azure.control("POST", "/emulator/faults", "{\"route\": \"token\", \"answers\": [{\"delay_ms\": 1500}]}");
            ProviderBuilder builder = Provider.builder();
            azure.configuration().forEach(builder::set);
            Config config = new Config();
            config.useSingleServer().setAddress("rediss://" + azure.redisHost() + ':' + azure.redisPort());
            config.setSslTrustManagerFactory(azure.trust());
            try (Provider provider = builder.build();
                    RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
                RedissonClient client = Redisson.create(authentication.configure(config));
                client.getBucket("key", StringCodec.INSTANCE).set("value");
                assertEquals("value", client.getBucket("key", StringCodec.INSTANCE).get());
                client.shutdown();
            }
        }
    }

    /** Redisson itself would close the connection, and lose an element that is on its way to it. */
    @Test
    void aBlockingCommandIsLeftAloneAtANewTokenAndItsConnectionFollowsAfterwards() throws Exception {
        try (Emulator azure = Emulator.start()) {
            ProviderBuilder builder = Provider.builder().reauthSpread(0).minRequestInterval(Duration.ofMillis(250));
            azure.configuration().forEach(builder::set);
            AtomicInteger lost = new AtomicInteger();
            Config config = new Config().setSslTrustManagerFactory(azure.trust()).setConnectionListener(new Losses(lost));
            config.useSingleServer()
                    .setAddress("rediss://" + azure.redisHost() + ':' + azure.redisPort())
                    .setConnectionMinimumIdleSize(2)
                    .setConnectionPoolSize(2);
            try (Provider provider = builder.build();
                    RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
                RedissonClient client = Redisson.create(authentication.configure(config));
                RBlockingQueue<String> queue = client.getBlockingQueue("queue", StringCodec.INSTANCE);
                RFuture<String> polled = queue.pollAsync(60, TimeUnit.SECONDS);
                long connections = provider.status().connections();
                provider.refresh();
                while (provider.status().counters().get("reauths_accepted") < connections - 1) {
                    Thread.sleep(20); // the test's time-out ends it
                }
                queue.add("value");
                assertEquals("value", polled.toCompletableFuture().get(20, TimeUnit.SECONDS));
                while (!provider.status().toJson().contains("\"oldest_version\":2")) {
                    Thread.sleep(20);
                }
                assertEquals(0, lost.get());
                client.shutdown();
            }
        }
    }

    @Test
    void aConfigurationThatWasNotConfiguredHereIsRefused() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
            CompletionException refused = assertThrows(
                    CompletionException.class, () -> authentication.resolve(null).toCompletableFuture().join());
            assertTrue(refused.getCause().getMessage().contains("RedissonAuthentication.configure"), refused.toString());
        }
    }

    @Test
    void plaintextToAnotherMachineAndSentinelsAreRefused() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
            Config plain = new Config();
            plain.useSingleServer().setAddress("redis://cache.example.com:10000");
            EntrakeyException error = assertThrows(EntrakeyException.class, () -> authentication.configure(plain));
            assertEquals(ErrorKind.INVALID_CONFIG, error.kind());
            assertTrue(error.getMessage().contains("cache.example.com") && error.getMessage().contains("rediss://"));
            Config underscore = new Config(); // which is no host name for java.net.URI
            underscore.useClusterServers().addNodeAddress("redis://my_cache:6379");
            assertThrows(EntrakeyException.class, () -> authentication.configure(underscore));
            Config without = new Config();
            assertTrue(assertThrows(EntrakeyException.class, () -> authentication.configure(without))
                    .getMessage().contains("setAddress"));
            Config sentinel = new Config();
            sentinel.useSentinelServers().setMasterName("mine").addSentinelAddress("rediss://localhost:26379");
            assertThrows(EntrakeyException.class, () -> authentication.configure(sentinel));
        }
    }

    @Test
    void aPasswordOfAnAddressWhichRedissonWouldPreferIsLeftOut() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
            Config single = new Config();
            single.useSingleServer().setAddress("rediss://user:secret@cache.example.com:10000");
            authentication.configure(single);
            assertEquals("rediss://cache.example.com:10000", single.useSingleServer().getAddress());
            Config cluster = new Config();
            cluster.useClusterServers().addNodeAddress("rediss://secret@[::1]:10000", "rediss://b:10001");
            authentication.configure(cluster);
            assertEquals(List.of("rediss://::1:10000", "rediss://b:10001"), cluster.useClusterServers().getNodeAddresses());
        }
    }

    /** Counts connections that were closed. */
    private static final class Losses implements ConnectionListener {
        private final AtomicInteger lost;

        Losses(AtomicInteger lost) {
            this.lost = lost;
        }

        @Override
        @SuppressWarnings("deprecation")
        public void onConnect(InetSocketAddress address) {}

        @Override
        @SuppressWarnings("deprecation")
        public void onDisconnect(InetSocketAddress address) {
            lost.incrementAndGet();
        }
    }
}
