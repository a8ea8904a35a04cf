package peers;

import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.StatefulRedisClusterConnection;
import java.util.Collection;

final class LettuceClusterRounds implements ClusterRounds.Library {
    private final StatefulRedisClusterConnection<String, String> connection;

    LettuceClusterRounds(int port) {
        RedisURI uri = RedisURI.builder()
                .withHost("127.0.0.1")
                .withPort(port)
                .withPassword(Rounds.PASSWORD.toCharArray())
                .build();
        connection = RedisClusterClient.create(uri).connect();
    }

    @Override
    public String set(String key, String value) {
        return connection.sync().set(key, value);
    }

    @Override
    public String get(String key) {
        return connection.sync().get(key);
    }

    @Override
    public Collection<String> places() {
        return connection.getPartitions().stream()
                .map(node -> node.getUri().getHost() + ":" + node.getUri().getPort())
                .toList();
    }
}
