package entrakey.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.Status;
import entrakey.emulator.Emulator;
import entrakey.jedis.JedisAuthentication;
import entrakey.lettuce.LettuceAuthentication;
import entrakey.redisson.RedissonAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RTopic;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;
import redis.clients.jedis.Connection;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;

/** The story of tests/vectors/connections.json, which a client of every language tells: here each client of Java. */
@Timeout(60)
class ConnectionsStoryTest {
    /** Jedis's own 2 s are less than a busy machine takes. */
    private static final int PATIENT_MILLIS = 20_000;

    private static Provider provider(JsonObject story, Emulator azure) {
        ProviderBuilder builder = Provider.builder().imdsEndpoint(azure.variable("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
        for (Map.Entry<String, JsonElement> variable : story.getAsJsonObject("environment").entrySet()) {
            builder.set(variable.getKey().replace("ENTRAKEY_", "").toLowerCase(Locale.ROOT), variable.getValue().getAsString());
        }
        return builder.build();
    }

    private static Status until(Provider provider, Predicate<Status> reached) throws InterruptedException {
        Status status = provider.status();
        while (!reached.test(status)) {
            Thread.sleep(20); // the test's time-out ends it
            status = provider.status();
        }
        return status;
    }

    private static void compare(JsonObject expected, Status status) {
        JsonObject said = JsonParser.parseString(status.toJson()).getAsJsonObject();
        for (String part : new String[] {"listeners", "counters"}) {
            for (Map.Entry<String, JsonElement> entry : expected.getAsJsonObject(part).entrySet()) {
                assertEquals(entry.getValue(), said.getAsJsonObject(part).get(entry.getKey()), entry.getKey() + ": " + status);
            }
        }
    }

    /** A client with three connections. */
    private interface Client extends AutoCloseable {
        /** Closes one of them. */
        void closeOne() throws Exception;
    }

    /** Makes a client. */
    private interface Maker {
        Client make(Provider provider, Emulator azure) throws Exception;
    }

    private static JsonObject story() throws IOException {
        String file = Files.readString(Paths.get(System.getProperty("tests.repository"), "tests/vectors/connections.json"));
        return JsonParser.parseString(file).getAsJsonObject();
    }

    private static void tell(JsonObject story, Maker maker) throws Exception {
        JsonObject end = story.getAsJsonObject("renewed");
        long accepted = end.getAsJsonObject("counters").get("reauths_accepted").getAsLong();
        try (Emulator azure = Emulator.start();
                Provider provider = provider(story, azure);
                Client client = maker.make(provider, azure)) {
            compare(story.getAsJsonObject("connected"), until(provider, status -> status.connections() == 3));
            azure.control("POST", "/emulator/redis/faults", story.get("faults").toString());
            client.closeOne();
            until(provider, status -> status.connections() == 2);
            provider.refresh();
            Status renewed = until(provider, status -> status.counters().get("reauths_accepted") >= accepted);
            compare(end, renewed);
            assertEquals(end.get("version").getAsLong(), renewed.version());
        }
    }

    @Test
    void byLettuce() throws Exception {
        tell(story(), (provider, azure) -> {
            LettuceAuthentication authentication = LettuceAuthentication.of(provider);
            RedisURI uri = RedisURI.builder().withHost(azure.redisHost()).withPort(azure.redisPort()).withSsl(true).build();
            RedisClient client = authentication.observe(RedisClient.create(authentication.configure(uri)));
            client.setOptions(authentication.configure(ClientOptions.builder()
                    .sslOptions(SslOptions.builder().jdkSslProvider().trustManager(azure.certificateAuthority()).build())
                    .build()));
            StatefulRedisConnection<String, String> first = client.connect();
            client.connect();
            client.connect();
            return client(first::close, () -> {
                client.shutdown();
                authentication.close();
            });
        });
    }

    /** Jedis closes an idle connection whose AUTH is refused. */
    @Test
    void byJedis() throws Exception {
        JsonObject story = story();
        story.getAsJsonObject("renewed").getAsJsonObject("listeners").addProperty("connections", 1);
        story.getAsJsonObject("renewed").getAsJsonObject("counters").addProperty("reauths_accepted", 2);
        tell(story, (provider, azure) -> {
            JedisAuthentication authentication = JedisAuthentication.of(provider);
            HostAndPort server = new HostAndPort(azure.redisHost(), azure.redisPort());
            redis.clients.jedis.SslOptions trust = redis.clients.jedis.SslOptions.builder()
                    .truststore(azure.trustStore("changeit".toCharArray()), "changeit".toCharArray())
                    .build();
            redis.clients.jedis.RedisClient client = redis.clients.jedis.RedisClient.builder()
                    .hostAndPort(server)
                    .clientConfig(authentication.configure(
                            DefaultJedisClientConfig.builder().sslOptions(trust).timeoutMillis(PATIENT_MILLIS).resp3().build(), server))
                    .build();
            Connection first = client.getPool().getResource();
            Connection second = client.getPool().getResource();
            client.getPool().getResource().close(); // the others wait in the pool, too
            second.close();
            return client(first::disconnect, () -> {
                client.close();
                authentication.close();
            });
        });
    }

    @Test
    void byRedisson() throws Exception {
        tell(story(), (provider, azure) -> {
            RedissonAuthentication authentication = RedissonAuthentication.of(provider);
            Config config = new Config().setSslTrustManagerFactory(azure.trust());
            config.useSingleServer()
                    .setAddress("rediss://" + azure.redisHost() + ':' + azure.redisPort())
                    .setIdleConnectionTimeout(1000)
                    .setConnectionMinimumIdleSize(2)
                    .setConnectionPoolSize(2)
                    .setSubscriptionConnectionMinimumIdleSize(0);
            RedissonClient client = Redisson.create(authentication.configure(config));
            RTopic topic = client.getTopic("news", StringCodec.INSTANCE);
            topic.addListener(String.class, (channel, message) -> {}); // the third connection, which goes when nobody listens
            return client(topic::removeAllListeners, () -> {
                client.shutdown();
                authentication.close();
            });
        });
    }

    private static Client client(Closing one, Closing all) {
        return new Client() {
            @Override
            public void closeOne() throws Exception {
                one.close();
            }

            @Override
            public void close() throws Exception {
                all.close();
            }
        };
    }

    /** Ends something. */
    private interface Closing {
        void close() throws Exception;
    }
}
