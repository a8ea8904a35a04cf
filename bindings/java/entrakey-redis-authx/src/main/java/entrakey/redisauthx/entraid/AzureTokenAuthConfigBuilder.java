package entrakey.redisauthx.entraid;

import com.azure.identity.DefaultAzureCredential;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import java.util.Collections;
import java.util.Set;

/**
 * In the place of redis-authx-entraid's builder of the same name: tokens of an azure-identity credential. Without one they are those of our
 * own default chain, which needs no other library.
 */
public class AzureTokenAuthConfigBuilder extends ConfigBuilder<AzureTokenAuthConfigBuilder> {
    /** The original's default. */
    public static final float DEFAULT_EXPIRATION_REFRESH_RATIO = ConfigBuilder.REFRESH_RATIO;
    /** The original's default. */
    public static final int DEFAULT_LOWER_REFRESH_BOUND_MILLIS = ConfigBuilder.LOWER_REFRESH_BOUND_MILLIS;
    /** The original's default. */
    public static final int DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS = ConfigBuilder.REQUEST_TIMEOUT_MILLIS;
    /** The original's default. */
    public static final int DEFAULT_MAX_ATTEMPTS_TO_RETRY = ConfigBuilder.ATTEMPTS;
    /** The original's default. */
    public static final int DEFAULT_DELAY_IN_MS_TO_RETRY = ConfigBuilder.RETRY_DELAY_MILLIS;
    /** The original's default. */
    public static final Set<String> DEFAULT_SCOPES = Collections.singleton("https://redis.azure.com/.default");

    private DefaultAzureCredential credential;

    /** A builder with the original's defaults. */
    public AzureTokenAuthConfigBuilder() {
        super(DEFAULT_SCOPES);
    }

    /** {@return a builder with the original's defaults} */
    public static AzureTokenAuthConfigBuilder builder() {
        return new AzureTokenAuthConfigBuilder();
    }

    /**
     * {@return a builder that was told the same}
     *
     * @param sample another builder
     */
    public static AzureTokenAuthConfigBuilder from(AzureTokenAuthConfigBuilder sample) {
        AzureTokenAuthConfigBuilder copy = new AzureTokenAuthConfigBuilder().copy(sample);
        copy.credential = sample.credential;
        return copy;
    }

    @Override
    AzureTokenAuthConfigBuilder self() {
        return this;
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

    @Override
    ProviderBuilder identity() {
        return credential == null ? Provider.builder().identity("default") : Identities.of(credential);
    }

    /** Forgets the credential. */
    @Override
    public void close() {
        credential = null;
    }
}
