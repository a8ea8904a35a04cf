package entrakey.spring;

import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisCredentialsProvider;
import org.springframework.data.redis.connection.RedisConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration.LettuceClientConfigurationBuilder;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;

/**
 * The tokens as Spring Data Redis wants them. Sentinels keep the credentials of their own that Spring's default gives them. For the starters
 * of this library.
 */
public final class LettuceCredentials implements RedisCredentialsProviderFactory {
    private final LettuceAuthentication authentication;

    LettuceCredentials(LettuceAuthentication authentication) {
        this.authentication = authentication;
    }

    @Override
    public RedisCredentialsProvider createCredentialsProvider(RedisConfiguration configuration) {
        return authentication;
    }

    /**
     * Gives the connections tokens, and lets them authenticate again while they are open: also with options that the application has made
     * itself, and other ones than Spring Boot's.
     *
     * @param client all that was configured
     */
    public void configure(LettuceClientConfigurationBuilder client) {
        ClientOptions options = client.build().getClientOptions().orElseGet(ClientOptions::create);
        client.redisCredentialsProviderFactory(this).clientOptions(authentication.configure(options));
    }
}
