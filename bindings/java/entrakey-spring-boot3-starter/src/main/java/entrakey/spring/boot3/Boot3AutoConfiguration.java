package entrakey.spring.boot3;

import entrakey.spring.LettuceCredentials;
import io.lettuce.core.RedisClient;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.data.redis.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.boot.autoconfigure.data.redis.LettuceClientOptionsBuilderCustomizer;
import org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration;
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
    LettuceClientConfigurationBuilderCustomizer entrakeyLettuceTokens(LettuceCredentials credentials) {
        return credentials::configure;
    }
}
