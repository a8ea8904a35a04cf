package entrakey.spring;

import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.protocol.ProtocolVersion;
import org.springframework.data.redis.connection.RedisConfiguration;
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
     * Lets open connections authenticate again.
     *
     * @param options of the clients
     */
    public void configure(ClientOptions.Builder options) {
        options.reauthenticateBehavior(ClientOptions.ReauthenticateBehavior.ON_NEW_CREDENTIALS)
                .protocolVersion(ProtocolVersion.RESP3);
    }
}
