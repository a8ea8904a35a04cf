package entrakey.spring.boot3;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.Provider;
import entrakey.emulator.Emulator;
import entrakey.spring.EntrakeyAutoConfiguration;
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
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.actuate.health.Status;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;

/** A Spring Boot 3 application as a stranger would write it. */
class ApplicationTest {
    private static final String CHANNEL = "news";
    /** Tokens of 8 seconds: two of them. */
    private static final long VERSIONS = 3;
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

    @Test
    @Timeout(120)
    void anApplicationOnLettuceOutlivesItsTokens() throws Exception {
        try (ConfigurableApplicationContext context = run(Map.of())) {
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
            assertTrue(provider.status().connections() >= 2, provider.status().toString());
            assertEquals(Status.UP, context.getBean("entrakeyHealthIndicator", HealthIndicator.class).health().getStatus());
        }
    }

    @Test
    @Timeout(60)
    void aPasswordBesideTheTokenARedisInClearAndJedisAreRefused() {
        assertRefused("spring.data.redis.username, .password or .url", Map.of("spring.data.redis.password", "x"));
        assertRefused("spring.data.redis.ssl.enabled", Map.of(
                "spring.data.redis.host", "cache.example.com", "spring.data.redis.ssl.bundle", "", "spring.data.redis.ssl.enabled", "false"));
        assertRefused("spring.data.redis.ssl.enabled", Map.of(
                "spring.data.redis.sentinel.master", "cache", "spring.data.redis.sentinel.nodes", "sentinel.example.com:26379",
                "spring.data.redis.ssl.bundle", "", "spring.data.redis.ssl.enabled", "false"));
        assertRefused("spring.data.redis.client-type=lettuce", Map.of("spring.data.redis.client-type", "jedis"));
    }

    @Test
    void theStarterOfSpringBoot4AloneSaysWhichOneIsMissing() {
        new ApplicationContextRunner()
                .withClassLoader(new FilteredClassLoader(Boot3AutoConfiguration.class))
                .withConfiguration(AutoConfigurations.of(EntrakeyAutoConfiguration.class))
                .run(context -> {
                    Throwable cause = context.getStartupFailure();
                    while (cause.getCause() != null) {
                        cause = cause.getCause();
                    }
                    assertTrue(cause.getMessage().contains("add entrakey-spring-boot3-starter"), cause.toString());
                });
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
