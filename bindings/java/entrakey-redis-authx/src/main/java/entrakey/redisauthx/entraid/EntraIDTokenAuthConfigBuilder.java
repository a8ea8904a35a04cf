package entrakey.redisauthx.entraid;

import com.microsoft.aad.msal4j.IAuthenticationResult;
import entrakey.AccessToken;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.redisauthx.entraid.ManagedIdentityInfo.UserManagedIdentityType;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.Key;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Set;
import java.util.function.Supplier;
import redis.clients.authentication.core.TokenAuthConfig;

/** In the place of redis-authx-entraid's builder of the same name: an application, a managed identity, or a supplier of msal4j's results. */
public class EntraIDTokenAuthConfigBuilder extends TokenAuthConfig.Builder<EntraIDTokenAuthConfigBuilder>
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

    private final Settings settings = new Settings();
    private String clientId;
    private String secret;
    private PrivateKey key;
    private X509Certificate certificate;
    private String authority;
    private boolean managedIdentity;
    private UserManagedIdentityType userAssignedType;
    private String userAssignedId;
    private Supplier<IAuthenticationResult> supplier;

    /** A builder with the original's defaults. */
    public EntraIDTokenAuthConfigBuilder() {}

    /** {@return a builder with the original's defaults} */
    public static EntraIDTokenAuthConfigBuilder builder() {
        return new EntraIDTokenAuthConfigBuilder();
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
        managedIdentity = true;
        userAssignedType = null;
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
        managedIdentity = true;
        userAssignedType = type;
        userAssignedId = id;
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

    /**
     * Says what the token is for.
     *
     * @param scopes one scope
     * @return this
     */
    public EntraIDTokenAuthConfigBuilder scopes(Set<String> scopes) {
        settings.scopes = scopes;
        return this;
    }

    @Override
    public EntraIDTokenAuthConfigBuilder expirationRefreshRatio(float ratio) {
        settings.refreshRatio = ratio;
        return this;
    }

    @Override
    public EntraIDTokenAuthConfigBuilder lowerRefreshBoundMillis(int millis) {
        settings.lowerRefreshBoundMillis = millis;
        return this;
    }

    @Override
    public EntraIDTokenAuthConfigBuilder tokenRequestExecTimeoutInMs(int millis) {
        settings.requestTimeoutMillis = millis;
        return this;
    }

    @Override
    public EntraIDTokenAuthConfigBuilder maxAttemptsToRetry(int attempts) {
        settings.attempts = attempts;
        return this;
    }

    @Override
    public EntraIDTokenAuthConfigBuilder delayInMsToRetry(int millis) {
        settings.retryDelayMillis = millis;
        return this;
    }

    /**
     * {@return the configuration for one client: each needs its own}
     *
     * @throws RedisEntraIDException if more or less than one identity is configured
     */
    @Override
    public TokenAuthConfig build() {
        boolean application = secret != null || key != null || certificate != null;
        if ((application ? 1 : 0) + (managedIdentity ? 1 : 0) + (supplier != null ? 1 : 0) != 1) {
            throw new RedisEntraIDException(
                    "Configure one identity: an application (clientId with secret or key), a managed identity, or"
                            + " customEntraIdAuthenticationSupplier.");
        }
        ProviderBuilder builder = Provider.builder();
        if (application) {
            configureApplication(builder);
        } else if (managedIdentity) {
            builder.identity("managed_identity");
            if (userAssignedType != null) {
                builder.set(userAssignedType.key(), userAssignedId);
            }
        } else {
            Supplier<IAuthenticationResult> source = supplier;
            builder.tokenSource(scope -> {
                IAuthenticationResult result = source.get();
                return AccessToken.of(result.accessToken()).expiringAt(result.expiresOnDate().toInstant());
            });
        }
        return settings.build(builder);
    }

    /** Forgets the secrets. */
    @Override
    public void close() {
        secret = null;
        key = null;
        certificate = null;
    }

    private void configureApplication(ProviderBuilder builder) {
        if (key != null && certificate != null && secret != null) {
            throw new RedisEntraIDException("The application has both a secret and a key: configure one of them.");
        }
        builder.identity("service_principal");
        if (clientId != null) {
            builder.clientId(clientId);
        }
        if (secret != null) {
            builder.clientSecret(secret);
        } else {
            configureCertificate(builder);
        }
        if (authority != null) {
            URI uri = URI.create(authority);
            builder.authorityHost(uri.getScheme() + "://" + uri.getAuthority());
            String tenant = String.valueOf(uri.getPath()).replace("/", "");
            if (!tenant.isEmpty()) {
                builder.tenantId(tenant);
            }
        }
    }

    private void configureCertificate(ProviderBuilder builder) {
        if (key == null || certificate == null) {
            throw new RedisEntraIDException("A key and its certificate belong together: one of them is missing.");
        }
        builder.privateKey(pem("PRIVATE KEY", encoded(key)));
        try {
            builder.certificate(pem("CERTIFICATE", certificate.getEncoded()));
        } catch (CertificateEncodingException e) {
            throw new RedisEntraIDException("The certificate cannot be encoded.", e);
        }
    }

    private static byte[] encoded(Key key) {
        byte[] encoded = key.getEncoded();
        if (encoded == null) {
            throw new RedisEntraIDException(
                    "The key does not leave its device: sign the assertions there, and use Provider.builder().assertionSource.");
        }
        return encoded;
    }

    private static String pem(String label, byte[] content) {
        String base64 = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(content);
        return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
    }
}
