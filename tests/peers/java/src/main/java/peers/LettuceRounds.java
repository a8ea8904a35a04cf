package peers;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.KeyValue;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** In RESP3, all commands on one connection but those of the subscriber and what it hands on. */
final class LettuceRounds implements Rounds.Library {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final RedisClient client;
    private final StatefulRedisConnection<String, String> connection;
    private final StatefulRedisConnection<String, String> forwarder;

    LettuceRounds(String host, int port) {
        client = RedisClient.create(RedisURI.builder()
                .withHost(host)
                .withPort(port)
                .withPassword(Rounds.PASSWORD.toCharArray())
                .withTimeout(LIMIT)
                .build());
        client.setOptions(ClientOptions.builder().autoReconnect(false).build());
        connection = client.connect();
        forwarder = client.connect();
    }

    @Override
    public void delete(String key) {
        connection.sync().del(key);
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
    public List<String> echo(List<String> values) throws Exception {
        List<RedisFuture<String>> answers = new ArrayList<>();
        connection.setAutoFlushCommands(false);
        for (String value : values) answers.add(connection.async().echo(value));
        connection.flushCommands();
        connection.setAutoFlushCommands(true);
        LettuceFutures.awaitAll(LIMIT, answers.toArray(RedisFuture[]::new));
        List<String> found = new ArrayList<>();
        for (RedisFuture<String> answer : answers) found.add(answer.get());
        return found;
    }

    @Override
    public long publish(String channel, String message) {
        return connection.sync().publish(channel, message);
    }

    @Override
    public void push(String list, String value) {
        forwarder.async().rpush(list, value); // it is called on their own thread, which must not wait
    }

    @Override
    public String pop(String list, long seconds) {
        KeyValue<String, String> popped = connection.sync().blpop(seconds, list);
        return popped == null ? null : popped.getValue();
    }

    @Override
    public void subscribe(String channel, Consumer<String> heed) {
        StatefulRedisPubSubConnection<String, String> subscriber = client.connectPubSub();
        subscriber.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String name, String message) {
                heed.accept(message);
            }
        });
        subscriber.sync().subscribe(channel);
    }
}
