package peers;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.util.SafeEncoder;

/** In RESP2: a subscriber there may not authenticate, the proxy does it for it. */
final class JedisRounds implements Rounds.Library {
    private final RedisClient client;

    JedisRounds(String host, int port) {
        client = RedisClient.builder()
                .hostAndPort(new HostAndPort(host, port))
                .clientConfig(DefaultJedisClientConfig.builder()
                        .password(Rounds.PASSWORD)
                        .protocol(RedisProtocol.RESP2)
                        .timeoutMillis(Surroundings.PATIENT_MILLIS)
                        .build())
                .build();
    }

    @Override
    public void delete(String key) {
        client.del(key);
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
    public List<String> echo(List<String> values) {
        try (Pipeline pipeline = client.pipelined()) {
            for (String value : values) pipeline.sendCommand(Protocol.Command.ECHO, value);
            return pipeline.syncAndReturnAll().stream()
                    .map(answer -> SafeEncoder.encode((byte[]) answer))
                    .toList();
        }
    }

    @Override
    public long publish(String channel, String message) {
        return client.publish(channel, message);
    }

    @Override
    public void push(String list, String value) {
        client.rpush(list, value);
    }

    @Override
    public String pop(String list, long seconds) {
        List<String> popped = client.blpop((int) seconds, list);
        return popped == null ? null : popped.get(1);
    }

    @Override
    public void subscribe(String channel, Consumer<String> heed) throws Exception {
        CompletableFuture<Void> subscribed = new CompletableFuture<>();
        JedisPubSub listener = new JedisPubSub() {
            @Override
            public void onSubscribe(String name, int channels) {
                subscribed.complete(null);
            }

            @Override
            public void onMessage(String name, String message) {
                heed.accept(message);
            }
        };
        Thread listening = new Thread(() -> Rounds.orEnd(() -> client.subscribe(listener, channel)));
        listening.setDaemon(true);
        listening.start();
        subscribed.get(30, TimeUnit.SECONDS);
    }
}
