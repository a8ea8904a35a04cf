package entrakey.spring.boot3;

import entrakey.spring.LettuceCredentials;
import entrakey.spring.RedisChecks;
import io.lettuce.core.RedisClient;
import java.util.ArrayList;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.data.redis.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.boot.autoconfigure.data.redis.LettuceClientOptionsBuilderCustomizer;
import org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration;
import org.springframework.boot.autoconfigure.data.redis.RedisConnectionDetails;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** Spring Data Redis on Lettuce, as Spring Boot 3 makes it. */
@AutoConfiguration(before = RedisAutoConfiguration.class)
@ConditionalOnClass({RedisClient.class, LettuceClientOptionsBuilderCustomizer.class})
@ConditionalOnProperty(name = "entrakey.enabled", matchIfMissing = true)
@Import({Boot3JedisConfiguration.class, Boot3HealthConfiguration.class})
public class Boot3AutoConfiguration {
    /** For Spring. */
    public Boot3AutoConfiguration() {}

    @Bean
    LettuceClientConfigurationBuilderCustomizer entrakeyLettuceTokens(
            LettuceCredentials credentials, RedisChecks checks, ObjectProvider<RedisConnectionDetails> details) {
        return builder -> {
            details.ifAvailable(known -> checks.check(
                    known.getUsername() != null || known.getPassword() != null, hosts(known), builder.build().isUseSsl()));
            credentials.configure(builder);
        };
    }

    private static List<String> hosts(RedisConnectionDetails details) {
        List<String> hosts = new ArrayList<>();
        if (details.getSentinel() != null) { // which comes first for Spring Boot too
            details.getSentinel().getNodes().forEach(node -> hosts.add(node.host()));
        } else if (details.getCluster() != null) {
            details.getCluster().getNodes().forEach(node -> hosts.add(node.host()));
        } else if (details.getStandalone() != null) {
            hosts.add(details.getStandalone().getHost());
        }
        return hosts;
    }
}
