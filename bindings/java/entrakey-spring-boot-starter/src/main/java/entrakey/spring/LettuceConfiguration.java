package entrakey.spring;

import io.lettuce.core.RedisClient;
import java.util.ArrayList;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Spring Data Redis on Lettuce, as Spring Boot 4 makes it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({RedisClient.class, LettuceClientConfigurationBuilderCustomizer.class})
class LettuceConfiguration {
    @Bean
    LettuceClientConfigurationBuilderCustomizer entrakeyLettuceTokens(
            LettuceCredentials credentials, RedisChecks checks, ObjectProvider<DataRedisConnectionDetails> details) {
        return builder -> {
            details.ifAvailable(known -> checks.check(
                    known.getUsername() != null || known.getPassword() != null, hosts(known), builder.build().isUseSsl()));
            credentials.configure(builder);
        };
    }

    private static List<String> hosts(DataRedisConnectionDetails details) {
        List<String> hosts = new ArrayList<>();
        if (details.getSentinel() != null) { // which comes first for Spring Boot too
            details.getSentinel().getNodes().forEach(node -> hosts.add(node.host()));
        } else if (details.getCluster() != null) {
            details.getCluster().getNodes().forEach(node -> hosts.add(node.host()));
        } else if (details.getMasterReplica() != null) {
            details.getMasterReplica().getNodes().forEach(node -> hosts.add(node.host()));
        } else if (details.getStandalone() != null) {
            hosts.add(details.getStandalone().getHost());
        }
        return hosts;
    }
}
