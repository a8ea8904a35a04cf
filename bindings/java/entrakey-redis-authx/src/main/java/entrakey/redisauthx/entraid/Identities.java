package entrakey.redisauthx.entraid;

import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.DefaultAzureCredential;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import entrakey.AccessToken;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** What redis-authx-entraid calls an identity, as a provider's. */
final class Identities {
    private static final String SUFFIX = "/.default";

    private Identities() {}

    static ProviderBuilder of(ServicePrincipalInfo info) {
        ProviderBuilder builder = Provider.builder().identity("service_principal");
        if (info.getClientId() != null) {
            builder.clientId(info.getClientId());
        }
        if (info.getAccessWith() == ServicePrincipalInfo.ServicePrincipalAccess.WithSecret) {
            if (info.getSecret() == null) {
                throw new RedisEntraIDException("The application has no secret.");
            }
            builder.clientSecret(info.getSecret());
        } else {
            certificate(builder, info.getKey(), info.getCert());
        }
        if (info.getAuthority() != null) {
            authority(builder, info.getAuthority());
        }
        return builder;
    }

    static ProviderBuilder of(ManagedIdentityInfo info) {
        ProviderBuilder builder = Provider.builder().identity("managed_identity");
        info.userAssigned(builder::set);
        return builder;
    }

    static ProviderBuilder of(Supplier<IAuthenticationResult> supplier) {
        return Provider.builder().tokenSource(scope -> {
            IAuthenticationResult result = supplier.get();
            return AccessToken.of(result.accessToken()).expiringAt(result.expiresOnDate().toInstant());
        });
    }

    static ProviderBuilder of(DefaultAzureCredential credential) {
        return Provider.builder().tokenSource(scope -> {
            com.azure.core.credential.AccessToken token = credential.getTokenSync(new TokenRequestContext().addScopes(scope));
            return AccessToken.of(token.getToken()).expiringAt(token.getExpiresAt().toInstant());
        });
    }

    static ProviderBuilder scoped(ProviderBuilder builder, Set<String> scopes) {
        if (scopes == null || scopes.isEmpty()) {
            return builder;
        }
        if (scopes.size() > 1) {
            throw new RedisEntraIDException("One scope can be asked for, and not " + scopes + '.');
        }
        String scope = scopes.iterator().next();
        return builder.scope(scope.endsWith(SUFFIX) ? scope : scope.replaceAll("/$", "") + SUFFIX);
    }

    private static void authority(ProviderBuilder builder, String authority) {
        URI uri;
        try {
            uri = new URI(authority);
        } catch (java.net.URISyntaxException e) {
            throw new RedisEntraIDException("The authority is no address: " + e.getMessage() + '.', e);
        }
        if (uri.getScheme() == null || uri.getAuthority() == null) {
            throw new RedisEntraIDException(
                    "The authority is " + authority + ": https://login.microsoftonline.com/<tenant id> is needed.");
        }
        builder.authorityHost(uri.getScheme() + "://" + uri.getAuthority());
        Stream.of(String.valueOf(uri.getPath()).split("/")).filter(part -> !part.isEmpty()).findFirst().ifPresent(builder::tenantId);
    }

    private static void certificate(ProviderBuilder builder, PrivateKey key, X509Certificate certificate) {
        if (key == null || certificate == null) {
            throw new RedisEntraIDException("A key and its certificate belong together: one of them is missing.");
        }
        byte[] encoded = key.getEncoded();
        if (encoded == null) {
            throw new RedisEntraIDException(
                    "The key does not leave its device: sign the assertions there, and use Provider.builder().assertionSource.");
        }
        builder.privateKey(pem("PRIVATE KEY", encoded));
        try {
            builder.certificate(pem("CERTIFICATE", certificate.getEncoded()));
        } catch (CertificateEncodingException e) {
            throw new RedisEntraIDException("The certificate cannot be encoded.", e);
        }
    }

    private static String pem(String label, byte[] content) {
        String base64 = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(content);
        return "-----BEGIN " + label + "-----\n" + base64 + "\n-----END " + label + "-----\n";
    }
}
