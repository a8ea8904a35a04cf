package entrakey.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import entrakey.Status;
import entrakey.jedis.JedisAuthentication;
import entrakey.lettuce.LettuceAuthentication;
import entrakey.redisson.RedissonAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.ClusterTopologyRefreshOptions;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.pubsub.StatefulRedisClusterPubSubConnection;
import io.lettuce.core.internal.HostAndPort;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.MappingSocketAddressResolver;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RBlockingQueue;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import redis.clients.jedis.ConnectionPoolConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.MultiDbClient;
import redis.clients.jedis.MultiDbConfig;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.mcf.HealthCheckStrategy;
import redis.clients.jedis.mcf.PingStrategy;

/** Every client, each in every way, all at once through the rotations of their tokens. */
class FortySecondsTest {
    private static final Duration LONG = Duration.ofSeconds(Integer.getInteger("entrakey.seconds", 40));
    private static final String LIFETIME = "--token-lifetime=12s";
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** Its connection authenticates after a ping; Jedis's own pause of 5 s is too long for these tokens. */
    private static final HealthCheckStrategy.Config PINGS =
            HealthCheckStrategy.Config.builder().interval(500).timeout((int) PATIENCE.toMillis()).build();

    private final Deque<AutoCloseable> open = new ArrayDeque<>();
    private final List<Use> uses = new ArrayList<>();
    private final List<Sequence> sequences = new ArrayList<>();

    @Test
    @Timeout(180)
    void noCommandFailsAndNoMessageIsLost() throws Exception {
        Azure single = opened(new Azure(LIFETIME, "--access-keys")); // which its Sentinel takes
        Azure nodes = opened(new Azure(LIFETIME, "--cluster-policy=oss"));
        jedis(single);
        jedisCluster(nodes);
        jedisSentinel(single);
        jedisDatabases(single);
        lettuce(single);
        lettuceCluster(nodes);
        redisson(single);
        redissonCluster(nodes);
        long end = System.nanoTime() + LONG.toNanos();
        List<Thread> threads = uses.stream().map(use -> use.start(end)).collect(Collectors.toList());
        for (Thread thread : threads) {
            thread.join();
        }
        awaitMessages();
        uses.forEach(System.out::println);
        sequences.forEach(System.out::println);
        for (Azure azure : List.of(single, nodes)) {
            Status status = azure.provider.status();
            System.out.println(status + ", " + azure.requests() + " token requests");
            assertTrue(status.version() >= 3, "the tokens were not replaced: " + status);
            assertTrue(azure.requests() <= status.version() + 2, "more requests than tokens: " + azure.requests());
            assertEquals(0L, status.counters().get("reauths_rejected"), status.toString());
        }
        while (!open.isEmpty()) {
            open.pop().close();
        }
        assertEquals(List.of(), uses.stream()
                .filter(use -> !use.errors.isEmpty() || use.rounds.get() < 20)
                .collect(Collectors.toList()));
        assertEquals(List.of(), sequences.stream()
                .filter(one -> one.lost() > 0 || one.published() < 20)
                .collect(Collectors.toList()));
    }

    private <T extends AutoCloseable> T opened(T resource) {
        open.push(resource);
        return resource;
    }

    private void use(String name, Use.Round round) {
        uses.add(new Use(name, round));
    }

    private Sequence sequence(String channel) {
        Sequence sequence = new Sequence(channel);
        sequences.add(sequence);
        return sequence;
    }

    private void awaitMessages() throws InterruptedException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end && sequences.stream().anyMatch(one -> one.lost() > 0)) {
            Thread.sleep(20);
        }
    }

    private static void same(Object expected, Object found) {
        assertEquals(expected, found);
    }

    // Jedis

    private static redis.clients.jedis.HostAndPort server(Azure azure) {
        return new redis.clients.jedis.HostAndPort(azure.emulator.redisHost(), azure.emulator.redisPort());
    }

    private static DefaultJedisClientConfig.Builder jedisConfig(Azure azure) throws Exception {
        return DefaultJedisClientConfig.builder()
                .sslOptions(redis.clients.jedis.SslOptions.builder()
                        .truststore(azure.emulator.trustStore("changeit".toCharArray()), "changeit".toCharArray())
                        .build())
                .timeoutMillis((int) PATIENCE.toMillis())
                .resp3();
    }

    private void jedis(Azure azure) throws Exception {
        JedisAuthentication authentication = opened(JedisAuthentication.of(azure.provider));
        JedisClientConfig config = authentication.configure(jedisConfig(azure).build(), server(azure));
        UnifiedJedis jedis = opened(redis.clients.jedis.RedisClient.builder().hostAndPort(server(azure)).clientConfig(config).build());
        use("Jedis, pool", round -> {
            jedis.set("jedis", Integer.toString(round));
            same(Integer.toString(round), jedis.get("jedis"));
        });
        use("Jedis, transaction", round -> {
            try (redis.clients.jedis.AbstractTransaction transaction = jedis.multi()) {
                transaction.incr("jedis:multi");
                same(1, transaction.exec().size());
            }
        });
        Sequence sequence = sequence("jedis");
        subscribeJedis(jedis, sequence);
        use("Jedis, publisher", round -> jedis.publish(sequence.channel, sequence.next()));
    }

    private void subscribeJedis(UnifiedJedis jedis, Sequence sequence) throws Exception {
        CountDownLatch subscribed = new CountDownLatch(1);
        JedisPubSub subscriber = new JedisPubSub() {
            @Override
            public void onMessage(String channel, String message) {
                sequence.hear(message);
            }

            @Override
            public void onSubscribe(String channel, int channels) {
                subscribed.countDown();
            }
        };
        Thread thread = new Thread(() -> jedis.subscribe(subscriber, sequence.channel), "jedis subscriber");
        thread.setDaemon(true);
        thread.start();
        assertTrue(subscribed.await(PATIENCE.toSeconds(), TimeUnit.SECONDS));
        open.push(subscriber::unsubscribe);
    }

    private void jedisCluster(Azure azure) throws Exception {
        JedisAuthentication authentication = opened(JedisAuthentication.of(azure.provider));
        JedisClientConfig config = authentication.configure(
                jedisConfig(azure)
                        .hostAndPortMapper(node -> new redis.clients.jedis.HostAndPort("localhost", node.getPort()))
                        .build());
        RedisClusterClient cluster = opened(
                RedisClusterClient.builder().nodes(Collections.singleton(server(azure))).clientConfig(config).build());
        use("Jedis, cluster", round -> {
            String key = "jedis:" + round % 50;
            cluster.set(key, Integer.toString(round));
            same(Integer.toString(round), cluster.get(key));
        });
    }

    /** Sentinels have a password of their own. */
    private void jedisSentinel(Azure azure) throws Exception {
        JedisAuthentication authentication = opened(JedisAuthentication.of(azure.provider));
        String keys = azure.emulator.control("GET", "/emulator/redis/access_keys", null);
        String key = JsonParser.parseString(keys).getAsJsonObject().getAsJsonArray("keys").get(0).getAsString();
        UnifiedJedis jedis = opened(RedisSentinelClient.builder()
                .masterName("mymaster")
                .sentinels(Collections.singleton(server(azure)))
                .sentinelClientConfig(jedisConfig(azure).password(key).build())
                .clientConfig(authentication.configure(jedisConfig(azure).build()))
                .build());
        use("Jedis, sentinel", round -> {
            jedis.set("jedis:sentinel", Integer.toString(round));
            same(Integer.toString(round), jedis.get("jedis:sentinel"));
        });
    }

    /**
     * Each database has an authentication of its own: Jedis stops that of one which it closes. With the pool that Jedis would make idle
     * connections would not authenticate again.
     */
    private void jedisDatabases(Azure azure) throws Exception {
        List<redis.clients.jedis.HostAndPort> servers = List.of(
                server(azure), new redis.clients.jedis.HostAndPort("127.0.0.1", azure.emulator.redisPort()));
        MultiDbConfig.Builder databases = MultiDbConfig.builder();
        for (redis.clients.jedis.HostAndPort server : servers) {
            JedisAuthentication authentication = opened(JedisAuthentication.of(azure.provider));
            databases.database(MultiDbConfig.DatabaseConfig.builder(server, authentication.configure(jedisConfig(azure).build()))
                    .connectionPoolConfig(new ConnectionPoolConfig())
                    .healthCheckStrategySupplier((host, config) -> new PingStrategy(host, config, PINGS))
                    .build());
        }
        MultiDbClient jedis = opened(MultiDbClient.builder().multiDbConfig(databases.build()).build());
        use("Jedis, two databases", round -> {
            if (round % 100 == 0) {
                jedis.setActiveDatabase(servers.get(round / 100 % 2));
            }
            jedis.set("jedis:databases", Integer.toString(round));
            same(Integer.toString(round), jedis.get("jedis:databases"));
        });
    }

    // Lettuce

    private static RedisURI uri(Azure azure) {
        return RedisURI.builder()
                .withHost(azure.emulator.redisHost())
                .withPort(azure.emulator.redisPort())
                .withSsl(true)
                .withTimeout(PATIENCE)
                .build();
    }

    private static SslOptions ssl(Azure azure) {
        return SslOptions.builder().jdkSslProvider().trustManager(azure.emulator.certificateAuthority()).build();
    }

    private void lettuce(Azure azure) {
        LettuceAuthentication authentication = opened(LettuceAuthentication.of(azure.provider));
        RedisClient client = RedisClient.create(authentication.configure(uri(azure)));
        open.push(client::shutdown);
        client.setOptions(authentication.configure(ClientOptions.builder().sslOptions(ssl(azure)).build()));
        authentication.observe(client);
        StatefulRedisConnection<String, String> connection = opened(client.connect());
        use("Lettuce, one connection", round -> {
            connection.sync().set("lettuce", Integer.toString(round));
            same(Integer.toString(round), connection.sync().get("lettuce"));
        });
        StatefulRedisConnection<String, String> transactions = opened(client.connect());
        use("Lettuce, transaction", round -> {
            transactions.sync().multi();
            transactions.sync().incr("lettuce:multi");
            TransactionResult result = transactions.sync().exec();
            same(1, result.size());
        });
        Sequence sequence = sequence("lettuce");
        StatefulRedisPubSubConnection<String, String> subscriber = opened(client.connectPubSub());
        subscriber.addListener(listener(sequence));
        subscriber.sync().subscribe(sequence.channel);
        use("Lettuce, publisher", round -> connection.sync().publish(sequence.channel, sequence.next()));
    }

    private static RedisPubSubAdapter<String, String> listener(Sequence sequence) {
        return new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, String message) {
                sequence.hear(message);
            }
        };
    }

    private void lettuceCluster(Azure azure) {
        LettuceAuthentication authentication = opened(LettuceAuthentication.of(azure.provider));
        ClientResources resources = ClientResources.builder()
                .socketAddressResolver(MappingSocketAddressResolver.create(
                        DnsResolvers.UNRESOLVED, node -> HostAndPort.of("localhost", node.getPort())))
                .build();
        open.push(resources::shutdown);
        io.lettuce.core.cluster.RedisClusterClient client = io.lettuce.core.cluster.RedisClusterClient.create(
                resources, authentication.configure(uri(azure)));
        open.push(client::shutdown);
        client.setOptions(authentication.configure(ClusterClientOptions.builder()
                .sslOptions(ssl(azure))
                .validateClusterNodeMembership(false)
                .topologyRefreshOptions(ClusterTopologyRefreshOptions.builder()
                        .dynamicRefreshSources(false)
                        .enablePeriodicRefresh(Duration.ofSeconds(10))
                        .build())
                .build()));
        authentication.observe(client);
        StatefulRedisClusterConnection<String, String> connection = opened(client.connect());
        use("Lettuce, cluster", round -> {
            String key = "lettuce:" + round % 50;
            connection.sync().set(key, Integer.toString(round));
            same(Integer.toString(round), connection.sync().get(key));
        });
        Sequence sequence = sequence("lettuce cluster");
        StatefulRedisClusterPubSubConnection<String, String> subscriber = opened(client.connectPubSub());
        subscriber.addListener(listener(sequence));
        subscriber.sync().subscribe(sequence.channel);
        use("Lettuce, publisher to the cluster", round -> connection.sync().publish(sequence.channel, sequence.next()));
    }

    // Redisson

    private RedissonClient redisson(Azure azure, Config config) throws Exception {
        RedissonAuthentication authentication = opened(RedissonAuthentication.of(azure.provider));
        config.setSslTrustManagerFactory(azure.emulator.trust());
        RedissonClient client = Redisson.create(authentication.configure(config));
        open.push(client::shutdown);
        return client;
    }

    private static String address(Azure azure) {
        return "rediss://" + azure.emulator.redisHost() + ':' + azure.emulator.redisPort();
    }

    private void redisson(Azure azure) throws Exception {
        Config config = new Config();
        config.useSingleServer().setAddress(address(azure)).setTimeout((int) PATIENCE.toMillis());
        RedissonClient client = redisson(azure, config);
        use("Redisson, bucket", round -> {
            client.getBucket("redisson", StringCodec.INSTANCE).set(Integer.toString(round));
            same(Integer.toString(round), client.getBucket("redisson", StringCodec.INSTANCE).get());
        });
        RBlockingQueue<String> queue = client.getBlockingQueue("redisson:queue", StringCodec.INSTANCE);
        use("Redisson, queue", round -> {
            queue.add(Integer.toString(round));
            same(Integer.toString(round), queue.poll(10, TimeUnit.SECONDS));
        });
        topic("redisson", client);
    }

    private void topic(String name, RedissonClient client) {
        Sequence sequence = sequence(name);
        client.getTopic(name, StringCodec.INSTANCE).addListener(String.class, (channel, message) -> sequence.hear(message));
        use("Redisson, publisher to " + name, round -> client.getTopic(name, StringCodec.INSTANCE).publish(sequence.next()));
    }

    private void redissonCluster(Azure azure) throws Exception {
        Config config = new Config();
        config.useClusterServers()
                .addNodeAddress(address(azure))
                .setTimeout((int) PATIENCE.toMillis())
                .setNatMapper(node -> new org.redisson.misc.RedisURI(node.getScheme(), "localhost", node.getPort()));
        RedissonClient client = redisson(azure, config);
        use("Redisson, cluster", round -> {
            String key = "redisson:" + round % 50;
            client.getBucket(key, StringCodec.INSTANCE).set(Integer.toString(round));
            same(Integer.toString(round), client.getBucket(key, StringCodec.INSTANCE).get());
        });
        topic("redisson cluster", client);
    }
}
