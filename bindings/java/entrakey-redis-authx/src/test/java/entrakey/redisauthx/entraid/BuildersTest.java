package entrakey.redisauthx.entraid;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.aad.msal4j.IAuthenticationResult;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.emulator.Emulator;
import java.lang.reflect.Proxy;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.HashSet;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.authentication.core.Token;
import redis.clients.authentication.core.TokenAuthConfig;

/** Programs that were written with redis-authx-entraid; only their import is another. */
@Timeout(60)
class BuildersTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    private static Token tokenOf(TokenAuthConfig config) {
        return config.getIdentityProviderConfig().getProvider().requestToken();
    }

    @Test
    void aSupplierOfMsalsResultsIsAsked() {
        IAuthenticationResult result = (IAuthenticationResult) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {IAuthenticationResult.class}, (proxy, method, arguments) -> {
                    switch (method.getName()) {
                        case "accessToken":
                            return TOKEN;
                        case "expiresOnDate":
                            return new Date(System.currentTimeMillis() + 3_600_000);
                        default:
                            return null;
                    }
                });
        TokenAuthConfig config = EntraIDTokenAuthConfigBuilder.builder()
                .customEntraIdAuthenticationSupplier(() -> result)
                .expirationRefreshRatio(0.8f)
                .tokenRequestExecTimeoutInMs(500)
                .maxAttemptsToRetry(3)
                .build();
        assertEquals("me", tokenOf(config).getUser());
        assertTrue(config.getTokenManagerConfig().getTokenRequestExecTimeoutInMs() > 60_000, "the manager lets us wait");
    }

    @Test
    void anApplicationSignsInAtItsAuthority() {
        TokenAuthConfig config = EntraIDTokenAuthConfigBuilder.builder()
                .clientId("22222222-c000-4000-8000-000000000002")
                .secret("a-secret")
                .authority("https://127.0.0.1:1/72f988bf-0000-4000-8000-000000000001")
                .scopes(Collections.singleton("https://redis.azure.com/.default"))
                .build();
        EntrakeyException error = assertThrows(EntrakeyException.class, () -> tokenOf(config));
        assertEquals(ErrorKind.NETWORK, error.kind());
        assertTrue(error.getMessage().contains("127.0.0.1:1") && !error.getMessage().contains("a-secret"), error.getMessage());
    }

    /** As portals and documents show it: with the version, or all of the endpoint. */
    @Test
    void theTenantIsTheFirstPartOfAnAuthority() throws Exception {
        try (Emulator azure = Emulator.start()) {
            String tenant = azure.variable("AZURE_AUTHORITY_HOST").replaceAll("/$", "") + '/' + azure.variable("AZURE_TENANT_ID");
            for (String rest : new String[] {"", "/", "/v2.0", "/oauth2/v2.0/token"}) {
                ServicePrincipalInfo info = new ServicePrincipalInfo(
                        azure.variable("AZURE_CLIENT_ID"), azure.variable("AZURE_CLIENT_SECRET"), tenant + rest);
                try (Provider provider = Identities.of(info).caFile(azure.variable("ENTRAKEY_CA_FILE")).build()) {
                    assertEquals(azure.variable("ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID"), provider.getToken().username());
                }
            }
        }
    }

    @Test
    void oneIdentityIsConfiguredNoMoreAndNoLess() {
        assertThrows(RedisEntraIDException.class, () -> EntraIDTokenAuthConfigBuilder.builder().build());
        assertThrows(RedisEntraIDException.class, () -> EntraIDTokenAuthConfigBuilder.builder()
                .systemAssignedManagedIdentity().secret("x").build());
        assertThrows(RedisEntraIDException.class, () -> EntraIDTokenAuthConfigBuilder.builder()
                .systemAssignedManagedIdentity().scopes(new HashSet<>(Arrays.asList("a", "b"))).build());
        EntraIDTokenAuthConfigBuilder.builder()
                .userAssignedManagedIdentity(ManagedIdentityInfo.UserManagedIdentityType.OBJECT_ID, "33333333-0000-4000-8000-000000000003")
                .build();
    }

    /** One that this Java trusts itself. */
    private static X509Certificate anyCertificate() throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init((KeyStore) null);
        return ((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers()[0];
    }

    @Test
    void aKeyThatDoesNotLeaveItsDeviceIsRefused() throws Exception {
        PrivateKey key = (PrivateKey) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {PrivateKey.class}, (proxy, method, arguments) -> null);
        X509Certificate certificate = anyCertificate();
        RedisEntraIDException error = assertThrows(RedisEntraIDException.class, () -> EntraIDTokenAuthConfigBuilder.builder()
                .clientId("x").key(key, certificate).build());
        assertTrue(error.getMessage().contains("assertionSource"), error.getMessage());
    }
}
