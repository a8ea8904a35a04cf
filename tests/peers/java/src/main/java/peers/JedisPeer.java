package peers;

import static peers.Surroundings.same;

import java.io.FileInputStream;
import java.io.InputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;
import redis.clients.jedis.ClusterPipeline;
import redis.clients.jedis.ConnectionPool;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.HostAndPortMapper;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.Response;
import redis.clients.jedis.exceptions.JedisException;
import redis.clients.jedis.util.JedisClusterCRC16;

final class JedisPeer {
    private JedisPeer() {}

    static int standalone(Surroundings surroundings) throws Exception {
        int checked = 0;
        HostAndPort address = new HostAndPort(surroundings.host(), surroundings.port());
        HostAndPortMapper guard = given -> new HostAndPort(Surroundings.loopback(given.getHost()), given.getPort());
        for (RedisProtocol protocol : List.of(RedisProtocol.RESP2, RedisProtocol.RESP3)) {
            DefaultJedisClientConfig config =
                    config(surroundings, surroundings.token(), guard).protocol(protocol).build();
            try (RedisClient client = RedisClient.builder().hostAndPort(address).clientConfig(config).build()) {
                checked += simple(client) + pipelined(client) + published(client);
            }
            DefaultJedisClientConfig wrong = config(surroundings, "not a token", guard).protocol(protocol).build();
            try (RedisClient client = RedisClient.builder().hostAndPort(address).clientConfig(wrong).build()) {
                client.ping();
                throw new IllegalStateException("a stranger was let in");
            } catch (JedisException refused) {
                checked++;
            }
        }
        return checked;
    }

    private static int simple(RedisClient client) {
        same("PING", "PONG", client.ping());
        same("SET", "OK", client.set("peers:jedis", "value"));
        same("GET", "value", client.get("peers:jedis"));
        return 3;
    }

    private static int pipelined(RedisClient client) {
        List<Response<String>> reads = new ArrayList<>();
        try (Pipeline pipeline = client.pipelined()) {
            for (int i = 0; i < Surroundings.MANY; i++) {
                pipeline.set("peers:jedis:" + i, Integer.toString(i));
                reads.add(pipeline.get("peers:jedis:" + i));
            }
        }
        for (int i = 0; i < Surroundings.MANY; i++) {
            same("pipeline", Integer.toString(i), reads.get(i).get());
        }
        return 2 * Surroundings.MANY;
    }

    private static int published(RedisClient client) throws Exception {
        CompletableFuture<Void> subscribed = new CompletableFuture<>();
        CompletableFuture<String> heard = new CompletableFuture<>();
        JedisPubSub listener = new JedisPubSub() {
            @Override
            public void onSubscribe(String channel, int channels) {
                subscribed.complete(null);
            }

            @Override
            public void onMessage(String channel, String message) {
                heard.complete(message);
                unsubscribe();
            }
        };
        CompletableFuture<Void> listening =
                CompletableFuture.runAsync(() -> client.subscribe(listener, "peers:jedis:news"));
        CompletableFuture.anyOf(subscribed, listening).get(10, TimeUnit.SECONDS);
        same("PUBLISH", 1L, client.publish("peers:jedis:news", "news"));
        same("the message", "news", heard.get(10, TimeUnit.SECONDS));
        listening.get(10, TimeUnit.SECONDS);
        return 3;
    }

    static int cluster(Surroundings surroundings) throws Exception {
        // Announced are addresses that nobody reaches: the port is right.
        HostAndPortMapper remap = announced -> new HostAndPort("localhost", announced.getPort());
        Set<HostAndPort> nodes = Set.of(new HostAndPort(surroundings.host(), surroundings.port()));
        DefaultJedisClientConfig config = config(surroundings, surroundings.token(), remap).build();
        try (RedisClusterClient client = RedisClusterClient.builder().nodes(nodes).clientConfig(config).build()) {
            List<String> keys = Surroundings.spread(JedisClusterCRC16::getSlot);
            for (String key : keys) same("SET", "OK", client.set(key, "of " + key));
            List<Response<String>> reads = new ArrayList<>();
            try (ClusterPipeline pipeline = client.pipelined()) {
                for (String key : keys) reads.add(pipeline.get(key));
            }
            for (int i = 0; i < keys.size(); i++) same("GET", "of " + keys.get(i), reads.get(i).get());
            if (client.getClusterNodes().size() < 2) throw new IllegalStateException("one node only");
            for (ConnectionPool pool : client.getClusterNodes().values()) {
                if (pool.getBorrowedCount() == 0) throw new IllegalStateException("a node was never asked");
            }
            return 2 * keys.size();
        }
    }

    private static DefaultJedisClientConfig.Builder config(
            Surroundings surroundings, String token, HostAndPortMapper hosts) throws Exception {
        SSLParameters checkingNames = new SSLParameters();
        checkingNames.setEndpointIdentificationAlgorithm("HTTPS");
        return DefaultJedisClientConfig.builder()
                .user(surroundings.username())
                .password(token)
                .ssl(true)
                .sslSocketFactory(trusting(surroundings))
                .sslParameters(checkingNames)
                .timeoutMillis(Surroundings.PATIENT_MILLIS)
                .hostAndPortMapper(hosts);
    }

    private static SSLSocketFactory trusting(Surroundings surroundings) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = new FileInputStream(surroundings.caFile())) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }
}
