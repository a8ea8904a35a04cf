package entrakey.redisauthx.entraid;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.azure.identity.DefaultAzureCredentialBuilder;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import entrakey.redisauthx.entraid.ManagedIdentityInfo.UserManagedIdentityType;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;
import redis.clients.authentication.core.TokenAuthConfig;
import redis.clients.authentication.core.TokenListener;
import redis.clients.authentication.core.TokenManager;
import redis.clients.authentication.core.TokenManagerConfig;

/** What sources that were written with redis-authx-entraid can name: its introduction's examples, and its classes behind the builders. */
@Timeout(60)
class DropInTest {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";
    /** A hot loop asks thousands of times in it. */
    private static final long WINDOW_MILLIS = 1000;
    private static final Set<String> SCOPES = Collections.singleton("https://redis.azure.com/.default");

    private static Supplier<IAuthenticationResult> msal() {
        IAuthenticationResult result = (IAuthenticationResult) Proxy.newProxyInstance(
                DropInTest.class.getClassLoader(), new Class<?>[] {IAuthenticationResult.class}, (proxy, method, arguments) ->
                        method.getName().equals("accessToken") ? TOKEN : new Date(System.currentTimeMillis() + 3_600_000));
        return () -> result;
    }

    /** The quick start of the README, the usage in the classes' documentation, each builder method. */
    @Test
    void theOriginalsExamplesCompileAndBuild() throws Exception {
        TokenAuthConfig quickStart = EntraIDTokenAuthConfigBuilder.builder()
                .clientId("YOUR_CLIENT_ID").secret("YOUR_SECRET")
                .authority("https://login.microsoftonline.com/your-tenant-id").scopes("https://redis.azure.com/.default").build();
        assertNotNull(quickStart.getIdentityProviderConfig().getProvider());
        try (EntraIDTokenAuthConfigBuilder builder = EntraIDTokenAuthConfigBuilder.builder()
                .clientId("your-client-id")
                .secret("your-secret")
                .authority("https://login.microsoftonline.com/your-tenant-id")
                .scopes(SCOPES)) {
            builder.build();
            EntraIDTokenAuthConfigBuilder.from(builder).expirationRefreshRatio(0.5f).build();
        }
        AzureTokenAuthConfigBuilder azure = AzureTokenAuthConfigBuilder.builder()
                .defaultAzureCredential(new DefaultAzureCredentialBuilder().build())
                .scopes(SCOPES)
                .tokenRequestExecTimeoutInMs(2000);
        TokenAuthConfig config = azure.build();
        assertNotNull(config.getTokenManagerConfig());
        AzureTokenAuthConfigBuilder.from(azure).build();
        EntraIDTokenAuthConfigBuilder.builder()
                .userAssignedManagedIdentity(UserManagedIdentityType.CLIENT_ID, "11111111-0000-4000-8000-000000000001")
                .expirationRefreshRatio(EntraIDTokenAuthConfigBuilder.DEFAULT_EXPIRATION_REFRESH_RATIO)
                .lowerRefreshBoundMillis(EntraIDTokenAuthConfigBuilder.DEFAULT_LOWER_REFRESH_BOUND_MILLIS)
                .tokenRequestExecTimeoutInMs(EntraIDTokenAuthConfigBuilder.DEFAULT_TOKEN_REQUEST_EXECUTION_TIMEOUT_IN_MS)
                .maxAttemptsToRetry(EntraIDTokenAuthConfigBuilder.DEFAULT_MAX_ATTEMPTS_TO_RETRY)
                .delayInMsToRetry(EntraIDTokenAuthConfigBuilder.DEFAULT_DELAY_IN_MS_TO_RETRY)
                .build();
    }

    @Test
    void theClassesBehindTheBuildersAreThere() {
        ServicePrincipalInfo application = new ServicePrincipalInfo("id", "secret", "https://login.microsoftonline.com/tenant");
        assertEquals(ServicePrincipalInfo.ServicePrincipalAccess.WithSecret, application.getAccessWith());
        assertEquals("id", application.getClientId());
        assertFalse(application.toString().contains("secret"));
        new EntraIDIdentityProviderConfig(application, SCOPES, 1000).getProvider();
        new EntraIDIdentityProviderConfig(new ManagedIdentityInfo(), SCOPES, 1000).getProvider();
        new AzureIdentityProviderConfig(new DefaultAzureCredentialBuilder().build(), SCOPES, 1000).getProvider();
        ManagedIdentityId id = new ManagedIdentityInfo(UserManagedIdentityType.OBJECT_ID, "mine").getId();
        assertEquals("mine", id.getUserAssignedId());
        assertThrows(RedisEntraIDException.class, () -> new EntraIDIdentityProvider(
                new ServicePrincipalInfo("id", "secret", "nowhere"), SCOPES, 1000).requestToken());
        Token token = new EntraIDIdentityProvider(msal()).requestToken();
        assertEquals("me", token.getUser());
        assertEquals(new JWToken(TOKEN), token);
        assertEquals(4102444800000L, token.getExpiresAt());
        assertEquals(new Date(4102444800000L), token.tryGet("exp", Date.class));
        assertEquals("me", token.tryGet("oid", String.class));
        assertNull(token.tryGet("oid", Long.class));
        assertNull(token.tryGet("none", String.class));
        assertFalse(token.toString().contains("c2ln"));
        for (String broken : new String[] {"", "a.b", "e30.e30.x", "e30.*.x"}) {
            assertThrows(RedisEntraIDException.class, () -> new JWToken(broken));
        }
    }

    /** With settings that we do not know: neither a hot loop nor a time-out. */
    @Test
    void aTokenManagerOfTheProgramsOwnIsAnsweredInTimeAndNotInALoop() throws Exception {
        IdentityProvider tokens = new EntraIDIdentityProviderConfig(msal()).getProvider();
        AtomicInteger calls = new AtomicInteger();
        TokenManager manager = new TokenManager(() -> {
            calls.incrementAndGet();
            return tokens.requestToken();
        }, new TokenManagerConfig(0f, 0, 1000, new TokenManagerConfig.RetryPolicy(1, 100)));
        CountDownLatch renewed = new CountDownLatch(3);
        manager.start(new TokenListener() {
            @Override
            public void onTokenRenewed(Token token) {
                renewed.countDown();
            }

            @Override
            public void onError(Exception reason) {}
        }, true);
        assertTrue(renewed.await(20, TimeUnit.SECONDS));
        int before = calls.get();
        Thread.sleep(WINDOW_MILLIS);
        manager.stop();
        assertTrue(calls.get() - before < 10, calls.get() - before + " calls in " + WINDOW_MILLIS + " ms");
    }

    /** Programs that do not use msal4j and azure-identity themselves need not have them. */
    @Test
    void theBuildersNeedNeitherMsalNorAzureIdentity() throws Exception {
        List<URL> path = new ArrayList<>();
        for (String part : System.getProperty("java.class.path").split(System.getProperty("path.separator"))) {
            if (!part.contains("msal4j") && !part.contains("azure")) {
                path.add(java.nio.file.Paths.get(part).toUri().toURL());
            }
        }
        try (URLClassLoader loader = new URLClassLoader(path.toArray(new URL[0]), ClassLoader.getPlatformClassLoader())) {
            assertThrows(ClassNotFoundException.class, () -> loader.loadClass("com.azure.core.credential.TokenCredential"));
            loader.loadClass(WithoutLibraries.class.getName()).getMethod("build").invoke(null);
        }
    }

    /** Loaded by a class loader that does not have them. */
    public static final class WithoutLibraries {
        private WithoutLibraries() {}

        public static void build() {
            assertNotNull(AzureTokenAuthConfigBuilder.builder().build());
            assertNotNull(EntraIDTokenAuthConfigBuilder.builder().systemAssignedManagedIdentity().build());
            assertNotNull(EntraIDTokenAuthConfigBuilder.builder()
                    .clientId("id").secret("x").authority("https://login.microsoftonline.com/tenant").build());
        }
    }
}
