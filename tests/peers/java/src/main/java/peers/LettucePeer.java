package peers;

import static peers.Surroundings.same;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.SslVerifyMode;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.SlotHash;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import io.lettuce.core.cluster.models.partitions.RedisClusterNode;
import io.lettuce.core.internal.HostAndPort;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.MappingSocketAddressResolver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

final class LettucePeer {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private LettucePeer() {}

    static int standalone(Surroundings surroundings) throws Exception {
        int checked = 0;
        ClientResources resources = resources(Surroundings::loopback);
        for (ProtocolVersion protocol : List.of(ProtocolVersion.RESP2, ProtocolVersion.RESP3)) {
            RedisClient client = RedisClient.create(resources, uri(surroundings, surroundings.token()));
            client.setOptions(ClientOptions.builder()
                    .autoReconnect(false)
                    .protocolVersion(protocol)
                    .sslOptions(trusting(surroundings))
                    .build());
            try (StatefulRedisConnection<String, String> connection = client.connect()) {
                checked += simple(connection.sync()) + pipelined(connection) + published(client, connection.sync());
            }
            try {
                client.connect(uri(surroundings, "not a token")).close();
                throw new IllegalStateException("a stranger was let in");
            } catch (RedisException refused) {
                checked++;
            }
            client.shutdown(Duration.ZERO, LIMIT);
        }
        resources.shutdown();
        return checked;
    }

    private static int simple(RedisCommands<String, String> commands) {
        same("PING", "PONG", commands.ping());
        same("SET", "OK", commands.set("peers:lettuce", "value"));
        same("GET", "value", commands.get("peers:lettuce"));
        return 3;
    }

    private static int pipelined(StatefulRedisConnection<String, String> connection) throws Exception {
        List<RedisFuture<String>> reads = new ArrayList<>();
        connection.setAutoFlushCommands(false);
        for (int i = 0; i < Surroundings.MANY; i++) {
            connection.async().set("peers:lettuce:" + i, Integer.toString(i));
            reads.add(connection.async().get("peers:lettuce:" + i));
        }
        connection.flushCommands();
        connection.setAutoFlushCommands(true);
        LettuceFutures.awaitAll(LIMIT, reads.toArray(RedisFuture[]::new));
        for (int i = 0; i < Surroundings.MANY; i++) same("pipeline", Integer.toString(i), reads.get(i).get());
        return 2 * Surroundings.MANY;
    }

    private static int published(RedisClient client, RedisCommands<String, String> commands) throws Exception {
        CompletableFuture<String> heard = new CompletableFuture<>();
        try (StatefulRedisPubSubConnection<String, String> connection = client.connectPubSub()) {
            connection.addListener(new RedisPubSubAdapter<>() {
                @Override
                public void message(String channel, String message) {
                    heard.complete(message);
                }
            });
            connection.sync().subscribe("peers:lettuce:news");
            same("PUBLISH", 1L, commands.publish("peers:lettuce:news", "news"));
            same("the message", "news", heard.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
        }
        return 3;
    }

    static int cluster(Surroundings surroundings) throws Exception {
        // Announced are addresses that nobody reaches: the port is right.
        ClientResources resources = resources(announced -> "localhost");
        RedisClusterClient client = RedisClusterClient.create(resources, uri(surroundings, surroundings.token()));
        client.setOptions(ClusterClientOptions.builder().sslOptions(trusting(surroundings)).build());
        int checked;
        try (StatefulRedisClusterConnection<String, String> connection = client.connect()) {
            List<String> keys = Surroundings.spread(SlotHash::getSlot);
            for (String key : keys) same("SET", "OK", connection.sync().set(key, "of " + key));
            for (String key : keys) same("GET", "of " + key, connection.sync().get(key));
            checked = 2 * keys.size();
            if (connection.getPartitions().size() < 2) throw new IllegalStateException("one node only");
            for (RedisClusterNode node : connection.getPartitions()) {
                long size = connection.getConnection(node.getNodeId()).sync().dbsize();
                if (size == 0) throw new IllegalStateException("nothing is on " + node.getUri());
            }
        }
        client.shutdown(Duration.ZERO, LIMIT);
        resources.shutdown();
        return checked;
    }

    private static ClientResources resources(UnaryOperator<String> host) {
        return ClientResources.builder()
                .socketAddressResolver(MappingSocketAddressResolver.create(
                        DnsResolvers.UNRESOLVED,
                        given -> HostAndPort.of(host.apply(given.getHostText()), given.getPort())))
                .build();
    }

    private static RedisURI uri(Surroundings surroundings, String token) {
        return RedisURI.builder()
                .withHost(surroundings.host())
                .withPort(surroundings.port())
                .withSsl(true)
                .withVerifyPeer(SslVerifyMode.FULL)
                .withAuthentication(surroundings.username(), token.toCharArray())
                .withTimeout(LIMIT)
                .build();
    }

    private static SslOptions trusting(Surroundings surroundings) {
        return SslOptions.builder().jdkSslProvider().trustManager(surroundings.caFile()).build();
    }
}
