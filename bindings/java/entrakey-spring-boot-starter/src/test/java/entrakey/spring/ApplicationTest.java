package entrakey.spring;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.Provider;
import entrakey.emulator.Emulator;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.SslOptions;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.internal.HostAndPort;
import io.lettuce.core.resource.DnsResolvers;
import io.lettuce.core.resource.MappingSocketAddressResolver;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.data.redis.autoconfigure.ClientResourcesBuilderCustomizer;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Profile;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
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
    private static Emulator cluster;

    @BeforeAll
    static void start() throws IOException {
        azure = Emulator.start("--token-lifetime=8s");
        cluster = Emulator.start("--token-lifetime=8s", "--cluster-policy=oss");
    }

    @AfterAll
    static void stop() {
        azure.close();
        cluster.close();
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

    /** Azure's nodes announce addresses that their certificate does not name. */
    @Configuration
    @Profile("cluster")
    static class ClusterOfAzure {
        @Bean
        ClientResourcesBuilderCustomizer addresses() {
            return resources -> resources.socketAddressResolver(MappingSocketAddressResolver.create(
                    DnsResolvers.UNRESOLVED, node -> HostAndPort.of("localhost", node.getPort())));
        }

        @Bean
        LettuceClientOptionsBuilderCustomizer members() {
            return options -> ((ClusterClientOptions.Builder) options).validateClusterNodeMembership(false);
        }
    }

    /** As many applications have one. It comes after Spring Boot's own, and takes the place of all of its options. */
    @Configuration
    @Profile("own-options")
    static class OwnOptions {
        @Bean
        LettuceClientConfigurationBuilderCustomizer ownOptions() {
            return builder -> builder.clientOptions(ClientOptions.builder()
                    .sslOptions(SslOptions.builder().trustManager(azure.certificateAuthority()).build())
                    .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                    .build());
        }
    }

    /** In the place of Spring Boot's, as an application with two caches has it. */
    @Configuration
    @Profile("own-factory")
    static class OwnFactory {
        @Bean
        LettuceConnectionFactory ownFactory(LettuceCredentials credentials, @Value("${own.host}") String host, @Value("${own.tls}") boolean tls) {
            LettuceClientConfiguration.LettuceClientConfigurationBuilder client = LettuceClientConfiguration.builder().clientOptions(
                    ClientOptions.builder().sslOptions(SslOptions.builder().trustManager(azure.certificateAuthority()).build()).build());
            if (tls) {
                client.useSsl();
            }
            credentials.configure(client);
            return new LettuceConnectionFactory(new RedisStandaloneConfiguration(host, azure.redisPort()), client.build());
        }
    }

    private static Map<String, Object> single() {
        return Map.of("spring.data.redis.host", azure.redisHost(), "spring.data.redis.port", azure.redisPort());
    }

    private static ConfigurableApplicationContext run(Map<String, Object> more) {
        return run(azure, more);
    }

    /** One at a time: Spring Boot's logging, which a process has once, does not start for two applications at once. */
    private static synchronized ConfigurableApplicationContext run(Emulator azure, Map<String, Object> more) {
        Map<String, Object> properties = new LinkedHashMap<>();
        if (!more.containsKey("spring.data.redis.cluster.nodes")) {
            properties.putAll(single());
        }
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

    private static void outlivesItsTokens(Emulator azure, Map<String, Object> more) throws Exception {
        try (ConfigurableApplicationContext context = run(azure, more)) {
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
            assertTrue(registry.get("entrakey.connections").gauge().value() >= 2, "templates and listeners have a connection each");
        }
    }

    @Test
    @Timeout(120)
    void applicationsOnLettuceOutliveTheirTokens() throws Exception {
        CompletableFuture<Void> onCluster = CompletableFuture.runAsync(() -> assertDoesNotThrow(() -> outlivesItsTokens(cluster, Map.of(
                "spring.profiles.active", "cluster",
                "spring.data.redis.cluster.nodes", cluster.redisHost() + ':' + cluster.redisPort(),
                "spring.data.redis.lettuce.cluster.refresh.dynamic-refresh-sources", "false"))));
        outlivesItsTokens(azure, Map.of());
        onCluster.get();
    }

    @Test
    @Timeout(60)
    void anApplicationsOwnOptionsOfLettuceKeepNoConnectionFromAuthenticatingAgain() throws Exception {
        try (ConfigurableApplicationContext context = run(Map.of("spring.profiles.active", "own-options"))) {
            StringRedisTemplate redis = context.getBean(StringRedisTemplate.class);
            Provider provider = context.getBean(Provider.class);
            while (provider.version() < 2 || provider.status().counters().get("reauths_accepted") == 0) { // the time-out ends it
                redis.opsForValue().set("key", "value");
                Thread.sleep(PAUSE_MILLIS);
            }
            assertEquals(
                    ClientOptions.DisconnectedBehavior.REJECT_COMMANDS,
                    context.getBean(LettuceConnectionFactory.class).getClientConfiguration().getClientOptions().get().getDisconnectedBehavior());
        }
    }

    @Test
    @Timeout(60)
    void aConnectionFactoryOfTheApplicationsOwnHasTokensAndTheSameChecks() {
        try (ConfigurableApplicationContext context = run(
                Map.of("spring.profiles.active", "own-factory", "own.host", azure.redisHost(), "own.tls", "true"))) {
            context.getBean(StringRedisTemplate.class).opsForValue().set("key", "value");
            assertTrue(context.getBean(Provider.class).status().connections() >= 1);
        }
        assertRefused("cache.example.com", Map.of("spring.profiles.active", "own-factory", "own.host", "cache.example.com", "own.tls", "false"));
    }

    /** As a test's context that is paused. */
    @Test
    @Timeout(60)
    void connectionsAreCountedAlsoAfterTheApplicationWasStoppedAndStarted() {
        try (ConfigurableApplicationContext context = run(Map.of())) {
            context.stop();
            assertEquals(0, context.getBean(Provider.class).status().connections());
            context.start();
            context.getBean(StringRedisTemplate.class).opsForValue().set("key", "value");
            assertTrue(context.getBean(Provider.class).status().connections() >= 1);
        }
    }

    @Test
    void theToolsKnowThePropertiesThatTheLibraryTakes() throws IOException {
        try (InputStream metadata = getClass().getResourceAsStream("/META-INF/spring-configuration-metadata.json")) {
            String text = new String(metadata.readAllBytes(), StandardCharsets.UTF_8);
            assertTrue(text.contains("\"entrakey.client-id\"") && text.contains("\"entrakey.enabled\""));
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
        assertRefused("spring.data.redis.ssl.enabled", Map.of(
                "spring.data.redis.masterreplica.nodes", "cache.example.com:6379",
                "spring.data.redis.ssl.bundle", "", "spring.data.redis.ssl.enabled", "false"));
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
