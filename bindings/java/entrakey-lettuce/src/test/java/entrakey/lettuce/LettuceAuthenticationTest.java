package entrakey.lettuce;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.Token;
import entrakey.emulator.Emulator;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class LettuceAuthenticationTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    private static Emulator azure;

    @BeforeAll
    static void start() throws IOException {
        azure = Emulator.start("--token-lifetime=8s");
    }

    @AfterAll
    static void stop() {
        azure.close();
    }

    private static Provider application() {
        ProviderBuilder builder = Provider.builder().reauthSpread(0);
        azure.configuration().forEach(builder::set);
        return builder.build();
    }

    @Test
    void aTokenThatIsAnnouncedBetweenTheCredentialsAndTheSubscriptionIsNotMissed() throws Exception {
        try (Provider provider = application();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            CountDownLatch announced = new CountDownLatch(1);
            RedisCredentials connecting = authentication.resolveCredentials().block();
            authentication.credentials().subscribe(credentials -> announced.countDown());
            assertTrue(announced.await(20, TimeUnit.SECONDS));
            RedisCredentials replayed = authentication.credentials().next().block(Duration.ofSeconds(20));
            assertFalse(new String(connecting.getPassword()).equals(new String(replayed.getPassword())));
            Token newest = provider.current().get();
            assertEquals(newest.username(), replayed.getUsername());
        }
    }

    @Test
    void credentialsNeverBlockTheThreadThatAsks() {
        CountDownLatch never = new CountDownLatch(1);
        Provider provider = Provider.builder()
                .tokenSource(scope -> {
                    never.await();
                    return AccessToken.of(TOKEN);
                })
                .build();
        try (LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            authentication.resolveCredentials().subscribe(credentials -> {}, error -> {}); // would hang here
            provider.close();
        } finally {
            never.countDown();
        }
    }

    @Test
    void aRefusedReauthenticationIsCountedAndExplained() throws Exception {
        try (Provider provider = application();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            RedisURI uri = RedisURI.builder().withHost(azure.redisHost()).withPort(azure.redisPort()).withSsl(true).build();
            RedisClient client = RedisClient.create(authentication.configure(uri));
            client.setOptions(authentication.configure(ClientOptions.builder()
                    .sslOptions(SslOptions.builder().jdkSslProvider().trustManager(azure.certificateAuthority()).build())
                    .build()));
            authentication.observe(client);
            try (StatefulRedisConnection<String, String> connection = client.connect()) {
                assertEquals("PONG", connection.sync().ping());
                azure.control("POST", "/emulator/redis/faults", "[{\"on\": \"auth\", \"refuse\": true}]");
                while (provider.status().counters().getOrDefault("auth_rejections.no_access_policy", 0L) == 0) {
                    Thread.sleep(20); // the test's time-out ends it
                    connection.sync().ping();
                }
                assertEquals("PONG", connection.sync().ping(), "the connection goes on with the token that it has");
            } finally {
                client.shutdown();
            }
        }
    }

    @Test
    void plaintextToAnotherMachineIsRefusedAndAPasswordIsLeftOut() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            EntrakeyException error = assertThrows(
                    EntrakeyException.class, () -> authentication.configure(RedisURI.create("redis://cache.example.com:10000")));
            assertEquals(ErrorKind.INVALID_CONFIG, error.kind());
            assertTrue(error.getMessage().contains("cache.example.com") && error.getMessage().contains("rediss://"));
            RedisURI local = authentication.configure(RedisURI.create("redis://user:secret@localhost:6379"));
            assertEquals("me", local.getCredentialsProvider().resolveCredentials().block().getUsername());
            authentication.configure(RedisURI.create("redis-sentinel://localhost:26379,127.0.0.1:26380#cache"));
            EntrakeyException sentinel = assertThrows(EntrakeyException.class, () ->
                    authentication.configure(RedisURI.create("redis-sentinel://localhost:26379,sentinel.example.com:26379#cache")));
            assertTrue(sentinel.getMessage().contains("sentinel.example.com"), sentinel.getMessage());
            authentication.allowPlaintext().configure(RedisURI.create("redis://cache.example.com:10000"));
        }
    }
}
