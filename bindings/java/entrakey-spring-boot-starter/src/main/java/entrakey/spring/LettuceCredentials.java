package entrakey.spring;

import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisCredentialsProvider;
import org.springframework.data.redis.connection.RedisConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration.LettuceClientConfigurationBuilder;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;

/** The tokens for connection factories of Spring Data Redis: for those that Spring Boot makes, and for an application's own. */
public final class LettuceCredentials {
    private final LettuceAuthentication authentication;
    private final RedisChecks checks;

    LettuceCredentials(LettuceAuthentication authentication, RedisChecks checks) {
        this.authentication = authentication;
        this.checks = checks;
    }

    /**
     * Gives the connections tokens, and lets them authenticate again while they are open, also with options that the application has made
     * itself. For the end of a configuration.
     *
     * @param client all that was configured
     */
    public void configure(LettuceClientConfigurationBuilder client) {
        LettuceClientConfiguration before = client.build();
        ClientOptions options = before.getClientOptions().orElseGet(ClientOptions::create);
        client.redisCredentialsProviderFactory(new Factory(before.isUseSsl())).clientOptions(authentication.configure(options));
    }

    /** Sentinels keep the credentials of their own that Spring's default gives them. */
    final class Factory implements RedisCredentialsProviderFactory {
        private final boolean hasTls;

        private Factory(boolean hasTls) {
            this.hasTls = hasTls;
        }

        @Override
        public RedisCredentialsProvider createCredentialsProvider(RedisConfiguration configuration) {
            checks.check(configuration, hasTls);
            return authentication;
        }
    }
}
