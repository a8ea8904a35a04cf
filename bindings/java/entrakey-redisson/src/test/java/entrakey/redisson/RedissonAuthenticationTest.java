package entrakey.redisson;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.AccessToken;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

@Timeout(60)
class RedissonAuthenticationTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    @Test
    void aClientStartsWithAFirstTokenThatIsSlow() throws Exception {
        try (Emulator azure = Emulator.start()) {
            azure.control("POST", "/emulator/faults", "{\"route\": \"token\", \"answers\": [{\"delay_ms\": 1500}]}");
            ProviderBuilder builder = Provider.builder();
            azure.configuration().forEach(builder::set);
            Config config = new Config();
            config.useSingleServer().setAddress("rediss://" + azure.redisHost() + ':' + azure.redisPort());
            config.setSslTrustManagerFactory(azure.trust());
            try (Provider provider = builder.build();
                    RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
                RedissonClient client = Redisson.create(authentication.configure(config));
                client.getBucket("key", StringCodec.INSTANCE).set("value");
                assertEquals("value", client.getBucket("key", StringCodec.INSTANCE).get());
                client.shutdown();
            }
        }
    }

    @Test
    void plaintextToAnotherMachineAndSentinelsAreRefused() {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
                RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
            Config plain = new Config();
            plain.useSingleServer().setAddress("redis://cache.example.com:10000");
            EntrakeyException error = assertThrows(EntrakeyException.class, () -> authentication.configure(plain));
            assertEquals(ErrorKind.INVALID_CONFIG, error.kind());
            assertTrue(error.getMessage().contains("cache.example.com") && error.getMessage().contains("rediss://"));
            Config sentinel = new Config();
            sentinel.useSentinelServers().setMasterName("mine").addSentinelAddress("rediss://localhost:26379");
            assertThrows(EntrakeyException.class, () -> authentication.configure(sentinel));
        }
    }
}
