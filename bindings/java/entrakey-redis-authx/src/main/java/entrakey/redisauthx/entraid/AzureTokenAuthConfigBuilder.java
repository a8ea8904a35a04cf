package entrakey.redisauthx.entraid;

import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredential;
import entrakey.AccessToken;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import java.util.Collections;
import java.util.Set;
import redis.clients.authentication.core.TokenAuthConfig;

/**
 * In the place of redis-authx-entraid's builder of the same name: tokens of an azure-identity credential. Without one they are those of our
 * own default chain, which needs no other library.
 */
public class AzureTokenAuthConfigBuilder extends TokenAuthConfig.Builder<AzureTokenAuthConfigBuilder>
        implements AutoCloseable {
    /** The original's default. */
    public static final float DEFAULT_EXPIRATION_REFRESH_RATIO = Settings.REFRESH_RATIO;
    /** The original's default. */
    public static final int DEFAULT_LOWER_REFRESH_BOUND_MILLIS = Settings.LOWER_REFRESH_BOUND_MILLIS;
    /** The original's default. */
    public static final int DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS = Settings.REQUEST_TIMEOUT_MILLIS;
    /** The original's default. */
    public static final int DEFAULT_MAX_ATTEMPTS_TO_RETRY = Settings.ATTEMPTS;
    /** The original's default. */
    public static final int DEFAULT_DELAY_IN_MS_TO_RETRY = Settings.RETRY_DELAY_MILLIS;
    /** The original's default. */
    public static final Set<String> DEFAULT_SCOPES = Collections.singleton("https://redis.azure.com/.default");

    private final Settings settings = new Settings();
    private DefaultAzureCredential credential;

    /** A builder with the original's defaults. */
    public AzureTokenAuthConfigBuilder() {
        settings.scopes = DEFAULT_SCOPES;
    }

    /** {@return a builder with the original's defaults} */
    public static AzureTokenAuthConfigBuilder builder() {
        return new AzureTokenAuthConfigBuilder();
    }

    /**
     * Takes the tokens of a credential.
     *
     * @param credential azure-identity's
     * @return this
     */
    public AzureTokenAuthConfigBuilder defaultAzureCredential(DefaultAzureCredential credential) {
        this.credential = credential;
        return this;
    }

    /**
     * Says what the token is for.
     *
     * @param scopes one scope
     * @return this
     */
    public AzureTokenAuthConfigBuilder scopes(Set<String> scopes) {
        settings.scopes = scopes;
        return this;
    }

    @Override
    public AzureTokenAuthConfigBuilder expirationRefreshRatio(float ratio) {
        settings.refreshRatio = ratio;
        return this;
    }

    @Override
    public AzureTokenAuthConfigBuilder lowerRefreshBoundMillis(int millis) {
        settings.lowerRefreshBoundMillis = millis;
        return this;
    }

    @Override
    public AzureTokenAuthConfigBuilder tokenRequestExecTimeoutInMs(int millis) {
        settings.requestTimeoutMillis = millis;
        return this;
    }

    @Override
    public AzureTokenAuthConfigBuilder maxAttemptsToRetry(int attempts) {
        settings.attempts = attempts;
        return this;
    }

    @Override
    public AzureTokenAuthConfigBuilder delayInMsToRetry(int millis) {
        settings.retryDelayMillis = millis;
        return this;
    }

    /** {@return the configuration for one client: each needs its own} */
    @Override
    public TokenAuthConfig build() {
        ProviderBuilder builder = Provider.builder();
        if (credential == null) {
            builder.identity("default");
        } else {
            DefaultAzureCredential source = credential;
            builder.tokenSource(scope -> {
                com.azure.core.credential.AccessToken token = source.getTokenSync(new TokenRequestContext().addScopes(scope));
                return AccessToken.of(token.getToken()).expiringAt(token.getExpiresAt().toInstant());
            });
        }
        return settings.build(builder);
    }

    /** Forgets the credential. */
    @Override
    public void close() {
        credential = null;
    }
}
