package entrakey.redisauthx.entraid;

import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.function.Supplier;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;

/**
 * In the place of redis-authx-entraid's class of the same name, for programs that make the configuration from its parts. The builders are
 * the better way: they also know the token manager's settings.
 */
public final class EntraIDIdentityProvider implements IdentityProvider {
    private final SharedTokens tokens;

    /**
     * The tokens of an application.
     *
     * @param info the application
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public EntraIDIdentityProvider(ServicePrincipalInfo info, Set<String> scopes, int timeout) {
        tokens = new SharedTokens(() -> Identities.of(info), scopes, timeout);
    }

    /**
     * The tokens of a managed identity.
     *
     * @param info the identity
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public EntraIDIdentityProvider(ManagedIdentityInfo info, Set<String> scopes, int timeout) {
        tokens = new SharedTokens(() -> Identities.of(info), scopes, timeout);
    }

    /**
     * Tokens from the program's own use of msal4j.
     *
     * @param supplier is asked for each token
     */
    public EntraIDIdentityProvider(Supplier<IAuthenticationResult> supplier) {
        tokens = new SharedTokens(() -> Identities.of(supplier), null, ConfigBuilder.REQUEST_TIMEOUT_MILLIS);
    }

    @Override
    public Token requestToken() {
        return tokens.requestToken();
    }

    /**
     * {@return what msal4j says}
     *
     * @param application the program's
     * @param parameters its
     */
    public IAuthenticationResult requestWithConfidentialClient(
            ConfidentialClientApplication application, ClientCredentialParameters parameters) {
        return request(() -> application.acquireToken(parameters).get());
    }

    /**
     * {@return what msal4j says}
     *
     * @param application the program's
     * @param parameters its
     */
    public IAuthenticationResult requestWithManagedIdentity(
            ManagedIdentityApplication application, ManagedIdentityParameters parameters) {
        return request(() -> application.acquireTokenForManagedIdentity(parameters).get());
    }

    private static IAuthenticationResult request(Callable<IAuthenticationResult> asked) {
        try {
            return asked.call();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RedisEntraIDException("The wait for msal4j was interrupted.", e);
        } catch (ExecutionException e) {
            throw new RedisEntraIDException("msal4j has no token: " + e.getCause(), e);
        } catch (Exception e) {
            throw new RedisEntraIDException("msal4j has no token: " + e, e);
        }
    }
}
