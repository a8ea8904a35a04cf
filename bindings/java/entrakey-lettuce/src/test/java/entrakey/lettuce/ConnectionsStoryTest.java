package entrakey.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.Status;
import entrakey.emulator.Emulator;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The story of tests/vectors/connections.json, which a client of every language tells. */
@Timeout(60)
class ConnectionsStoryTest {
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

    @Test
    void connectionsAreCountedOneByOneAsInEveryLanguage() throws Exception {
        String file = Files.readString(Paths.get(System.getProperty("tests.repository"), "tests/vectors/connections.json"));
        JsonObject story = JsonParser.parseString(file).getAsJsonObject();
        try (Emulator azure = Emulator.start();
                Provider provider = provider(story, azure);
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            RedisURI uri = RedisURI.builder().withHost(azure.redisHost()).withPort(azure.redisPort()).withSsl(true).build();
            RedisClient client = authentication.observe(RedisClient.create(authentication.configure(uri)));
            client.setOptions(authentication.configure(ClientOptions.builder()
                    .sslOptions(SslOptions.builder().jdkSslProvider().trustManager(azure.certificateAuthority()).build())
                    .build()));
            StatefulRedisConnection<String, String> first = client.connect();
            client.connect();
            client.connect();
            compare(story.getAsJsonObject("connected"), until(provider, status -> status.connections() == 3));
            azure.control("POST", "/emulator/redis/faults", story.get("faults").toString());
            first.close();
            until(provider, status -> status.connections() == 2);
            provider.refresh();
            Status renewed = until(provider, status -> status.counters().get("reauths_accepted") >= 3);
            compare(story.getAsJsonObject("renewed"), renewed);
            assertEquals(story.getAsJsonObject("renewed").get("version").getAsLong(), renewed.version());
            client.shutdown();
        }
    }
}
