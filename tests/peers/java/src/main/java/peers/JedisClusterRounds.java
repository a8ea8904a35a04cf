package peers;

import java.util.Collection;
import java.util.Set;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClusterClient;

final class JedisClusterRounds implements ClusterRounds.Library {
    private final RedisClusterClient client;

    JedisClusterRounds(int port) {
        client = RedisClusterClient.builder()
                .nodes(Set.of(new HostAndPort("127.0.0.1", port)))
                .clientConfig(DefaultJedisClientConfig.builder().password(Rounds.PASSWORD).build())
                .build();
    }

    @Override
    public String set(String key, String value) {
        return client.set(key, value);
    }

    @Override
    public String get(String key) {
        return client.get(key);
    }

    @Override
    public Collection<String> places() {
        return client.getClusterNodes().keySet();
    }
}
