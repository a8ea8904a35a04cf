package entrakey.redisauthx.entraid;

import com.microsoft.aad.msal4j.IAuthenticationResult;
import entrakey.ProviderBuilder;
import entrakey.redisauthx.entraid.ManagedIdentityInfo.UserManagedIdentityType;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.function.Supplier;

/** In the place of redis-authx-entraid's builder of the same name: an application, a managed identity, or a supplier of msal4j's results. */
public class EntraIDTokenAuthConfigBuilder extends ConfigBuilder<EntraIDTokenAuthConfigBuilder> {
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

    private String clientId;
    private String secret;
    private PrivateKey key;
    private X509Certificate certificate;
    private String authority;
    private ManagedIdentityInfo managedIdentity;
    private Supplier<IAuthenticationResult> supplier;

    /** A builder with the original's defaults. */
    public EntraIDTokenAuthConfigBuilder() {
        super(null);
    }

    /** {@return a builder with the original's defaults} */
    public static EntraIDTokenAuthConfigBuilder builder() {
        return new EntraIDTokenAuthConfigBuilder();
    }

    /**
     * {@return a builder that was told the same}
     *
     * @param sample another builder
     */
    public static EntraIDTokenAuthConfigBuilder from(EntraIDTokenAuthConfigBuilder sample) {
        EntraIDTokenAuthConfigBuilder copy = new EntraIDTokenAuthConfigBuilder().copy(sample);
        copy.clientId = sample.clientId;
        copy.secret = sample.secret;
        copy.key = sample.key;
        copy.certificate = sample.certificate;
        copy.authority = sample.authority;
        copy.managedIdentity = sample.managedIdentity;
        copy.supplier = sample.supplier;
        return copy;
    }

    @Override
    EntraIDTokenAuthConfigBuilder self() {
        return this;
    }

    /**
     * Names the application.
     *
     * @param clientId its client id
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder clientId(String clientId) {
        this.clientId = clientId;
        return this;
    }

    /**
     * The application signs in with a secret.
     *
     * @param secret its value
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder secret(String secret) {
        this.secret = secret;
        return this;
    }

    /**
     * The application signs in with a certificate.
     *
     * @param key its key, which must be one that can be read
     * @param certificate the certificate
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder key(PrivateKey key, X509Certificate certificate) {
        this.key = key;
        this.certificate = certificate;
        return this;
    }

    /**
     * Says where the application signs in.
     *
     * @param authority {@code https://login.microsoftonline.com/<tenant id>}
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder authority(String authority) {
        this.authority = authority;
        return this;
    }

    /**
     * Takes the machine's own identity.
     *
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder systemAssignedManagedIdentity() {
        managedIdentity = new ManagedIdentityInfo();
        return this;
    }

    /**
     * Takes an identity that is attached to the machine.
     *
     * @param type how it is named
     * @param id its name
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder userAssignedManagedIdentity(UserManagedIdentityType type, String id) {
        managedIdentity = new ManagedIdentityInfo(type, id);
        return this;
    }

    /**
     * Takes tokens from the program's own use of msal4j.
     *
     * @param supplier is asked for each token
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder customEntraIdAuthenticationSupplier(Supplier<IAuthenticationResult> supplier) {
        this.supplier = supplier;
        return this;
    }

    @Override
    ProviderBuilder identity() {
        boolean certified = key != null || certificate != null;
        boolean application = secret != null || certified;
        if ((application ? 1 : 0) + (managedIdentity != null ? 1 : 0) + (supplier != null ? 1 : 0) != 1) {
            throw new RedisEntraIDException(
                    "Configure one identity: an application (clientId with secret or key), a managed identity, or"
                            + " customEntraIdAuthenticationSupplier.");
        }
        if (secret != null && certified) {
            throw new RedisEntraIDException("The application has both a secret and a key: configure one of them.");
        }
        if (managedIdentity != null) {
            return Identities.of(managedIdentity);
        }
        if (supplier != null) {
            return Identities.of(supplier);
        }
        return Identities.of(
                certified
                        ? new ServicePrincipalInfo(clientId, key, certificate, authority)
                        : new ServicePrincipalInfo(clientId, secret, authority));
    }

    /** Forgets the secrets. */
    @Override
    public void close() {
        secret = null;
        key = null;
        certificate = null;
        supplier = null;
    }
}
