package entrakey.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.Provider;
import entrakey.emulator.Emulator;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** A Spring Boot application as a stranger would write it: the starter, a few properties, and nothing of entrakey in the code. */
class ApplicationTest {
    private static final String CHANNEL = "news";
    /** Tokens of 8 seconds: three of them. */
    private static final long VERSIONS = 4;
    private static final long PAUSE_MILLIS = 20;
    private static final long PATIENCE_MILLIS = 60_000;

    private static Emulator azure;

    @BeforeAll
    static void start() throws IOException {
        azure = Emulator.start("--token-lifetime=8s");
    }

    @AfterAll
    static void stop() {
        azure.close();
    }

    @SpringBootApplication
    static class Application {
        private final Set<String> heard = ConcurrentHashMap.newKeySet();

        @Bean
        RedisMessageListenerContainer listener(RedisConnectionFactory connections) {
            RedisMessageListenerContainer container = new RedisMessageListenerContainer();
            container.setConnectionFactory(connections);
            container.addMessageListener((message, pattern) -> heard.add(new String(message.getBody())), ChannelTopic.of(CHANNEL));
            return container;
        }
    }

    private static ConfigurableApplicationContext run(Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        properties.put("spring.data.redis.host", azure.redisHost());
        properties.put("spring.data.redis.port", azure.redisPort());
        properties.put("spring.data.redis.ssl.bundle", "emulator");
        properties.put("spring.ssl.bundle.pem.emulator.truststore.certificate", azure.certificateAuthority().toURI().toString());
        azure.configuration().forEach((key, value) -> properties.put("entrakey." + key.replace('_', '-'), value));
        properties.putAll(more);
        return new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .properties(properties)
                .properties("spring.main.banner-mode=off", "logging.level.root=warn")
                .run();
    }

    private static void outlivesItsTokens(Map<String, Object> more) throws Exception {
        try (ConfigurableApplicationContext context = run(more)) {
            StringRedisTemplate redis = context.getBean(StringRedisTemplate.class);
            Provider provider = context.getBean(Provider.class);
            Set<String> heard = context.getBean(Application.class).heard;
            int round = 0;
            while (provider.version() < VERSIONS) {
                String value = Integer.toString(++round);
                redis.opsForValue().set("key", value);
                assertEquals(value, redis.opsForValue().get("key"));
                redis.convertAndSend(CHANNEL, value);
                Thread.sleep(PAUSE_MILLIS);
            }
            long end = System.currentTimeMillis() + PATIENCE_MILLIS;
            while (heard.size() < round && System.currentTimeMillis() < end) {
                Thread.sleep(PAUSE_MILLIS);
            }
            assertEquals(round, heard.size(), "messages were lost");
            assertEquals(Status.UP, context.getBean("entrakeyHealthIndicator", HealthIndicator.class).health().getStatus());
            MeterRegistry registry = context.getBean(MeterRegistry.class);
            assertTrue(registry.get("entrakey.reauths").tag("result", "accepted").functionCounter().count() > 0);
            assertEquals(0, registry.get("entrakey.reauths").tag("result", "rejected").functionCounter().count());
        }
    }

    @Test
    @Timeout(120)
    void anApplicationOnLettuceOutlivesItsTokens() throws Exception {
        outlivesItsTokens(Map.of());
    }

    @Test
    @Timeout(60)
    void aPasswordBesideTheTokenARedisInClearAndJedisAreRefused() {
        assertRefused("spring.data.redis.username, .password or .url", Map.of("spring.data.redis.password", "x"));
        assertRefused("spring.data.redis.ssl.enabled", Map.of(
                "spring.data.redis.host", "cache.example.com", "spring.data.redis.ssl.bundle", "", "spring.data.redis.ssl.enabled", "false"));
        assertRefused("spring.data.redis.client-type=lettuce", Map.of("spring.data.redis.client-type", "jedis"));
        assertRefused("client_id", Map.of("entrakey.clientid", "x"));
    }

    private static void assertRefused(String named, Map<String, Object> properties) {
        Exception refused = assertThrows(Exception.class, () -> run(properties).close());
        Throwable cause = refused;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        assertTrue(String.valueOf(cause.getMessage()).contains(named), cause.toString());
    }
}
