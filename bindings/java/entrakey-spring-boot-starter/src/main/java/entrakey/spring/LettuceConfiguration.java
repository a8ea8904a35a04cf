package entrakey.spring;

import io.lettuce.core.RedisClient;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Spring Data Redis on Lettuce, as Spring Boot 4 makes it. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({RedisClient.class, LettuceClientConfigurationBuilderCustomizer.class})
class LettuceConfiguration {
    @Bean
    LettuceClientConfigurationBuilderCustomizer entrakeyLettuceTokens(LettuceCredentials credentials) {
        return credentials::configure;
    }
}
