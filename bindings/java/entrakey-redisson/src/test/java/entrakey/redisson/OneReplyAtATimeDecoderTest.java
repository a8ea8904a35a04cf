package entrakey.redisson;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.resolver.DefaultAddressResolverGroup;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.redisson.client.ChannelName;
import org.redisson.client.RedisClient;
import org.redisson.client.RedisClientConfig;
import org.redisson.client.RedisPubSubConnection;
import org.redisson.client.RedisPubSubListener;
import org.redisson.client.codec.StringCodec;
import org.redisson.client.handler.CommandPubSubDecoder;
import org.redisson.client.handler.CommandsQueuePubSub;
import org.redisson.client.protocol.RedisCommands;

class OneReplyAtATimeDecoderTest {
    private static final String CHANNEL = "news";

    private static String message(String text) {
        return ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$" + text.length() + "\r\n" + text + "\r\n";
    }

    private static void receive(EmbeddedChannel channel, String bytes) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes, StandardCharsets.UTF_8));
    }

    /** What a subscriber hears when the server's bytes come in two parts, cut there. */
    private static List<String> heard(Function<RedisClientConfig, CommandPubSubDecoder> decoder, String bytes, int cut) throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        RedisClientConfig config = new RedisClientConfig().setAddress("redis://localhost:6379").setExecutor(executor);
        config.setResolverGroup(DefaultAddressResolverGroup.INSTANCE);
        RedisClient client = RedisClient.create(config);
        List<String> heard = new CopyOnWriteArrayList<>();
        EmbeddedChannel channel = new EmbeddedChannel(new CommandsQueuePubSub(), decoder.apply(client.getConfig()));
        try {
            RedisPubSubConnection connection = new RedisPubSubConnection(client, channel, new CompletableFuture<>());
            connection.addListener(new ChannelName(CHANNEL), (RedisPubSubListener<String>) (name, text) -> heard.add(text));
            connection.subscribe(StringCodec.INSTANCE, new ChannelName(CHANNEL));
            receive(channel, ">3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
            CompletableFuture<?> authenticated =
                    connection.async(RedisCommands.AUTH, "me", "token").toCompletableFuture();
            receive(channel, bytes.substring(0, cut));
            receive(channel, bytes.substring(cut));
            assertTrue(authenticated.isDone() && !authenticated.isCompletedExceptionally(), "cut at " + cut);
            receive(channel, message("last"));
        } finally {
            executor.shutdown();
            assertTrue(executor.awaitTermination(20, TimeUnit.SECONDS));
            channel.close();
            client.shutdownAsync();
        }
        return heard;
    }

    @Test
    void noMessageIsLostWhereverTheBytesAroundAnAnswerAreCut() throws Exception {
        String bytes = message("one") + "+OK\r\n" + message("two") + message("three");
        for (int cut = 0; cut <= bytes.length(); cut++) {
            assertEquals(List.of("one", "two", "three", "last"), heard(OneReplyAtATimeDecoder::new, bytes, cut), "cut at " + cut);
        }
    }
}
