package entrakey.spring;

import entrakey.Provider;
import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisConfiguration;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;

/** Spring Data Redis on Lettuce. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass({RedisClient.class, LettuceClientConfigurationBuilderCustomizer.class})
class LettuceConfiguration {
    @Bean(destroyMethod = "close")
    LettuceAuthentication entrakeyLettuceAuthentication(Provider provider) {
        return LettuceAuthentication.of(provider);
    }

    @Bean
    LettuceClientConfigurationBuilderCustomizer entrakeyLettuceCredentials(
            LettuceAuthentication authentication, RedisChecks checks, ObjectProvider<DataRedisConnectionDetails> details) {
        return builder -> {
            details.ifAvailable(known -> checks.check(known, builder.build().isUseSsl()));
            builder.redisCredentialsProviderFactory(new TokenCredentials(authentication));
        };
    }

    @Bean
    LettuceClientOptionsBuilderCustomizer entrakeyLettuceOptions() {
        return options -> options
                .reauthenticateBehavior(ClientOptions.ReauthenticateBehavior.ON_NEW_CREDENTIALS)
                .protocolVersion(ProtocolVersion.RESP3);
    }

    /** What becomes of re-authentications reaches the provider. */
    @Bean
    SmartInitializingSingleton entrakeyLettuceReports(
            LettuceAuthentication authentication, ObjectProvider<ClientResources> resources) {
        return () -> resources.ifAvailable(authentication::observe);
    }

    /** Sentinels keep the credentials of their own that Spring's default gives them. */
    private static final class TokenCredentials implements RedisCredentialsProviderFactory {
        private final LettuceAuthentication authentication;

        TokenCredentials(LettuceAuthentication authentication) {
            this.authentication = authentication;
        }

        @Override
        public RedisCredentialsProvider createCredentialsProvider(RedisConfiguration configuration) {
            return authentication;
        }
    }
}
