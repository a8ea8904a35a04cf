package entrakey.redisauthx.entraid;

import com.microsoft.aad.msal4j.IAuthenticationResult;
import java.util.Set;
import java.util.function.Supplier;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.IdentityProviderConfig;

/** In the place of redis-authx-entraid's class of the same name. */
public final class EntraIDIdentityProviderConfig implements IdentityProviderConfig {
    private final Supplier<IdentityProvider> made;

    /**
     * The tokens of an application.
     *
     * @param info the application
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public EntraIDIdentityProviderConfig(ServicePrincipalInfo info, Set<String> scopes, int timeout) {
        made = () -> new EntraIDIdentityProvider(info, scopes, timeout);
    }

    /**
     * The tokens of a managed identity.
     *
     * @param info the identity
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public EntraIDIdentityProviderConfig(ManagedIdentityInfo info, Set<String> scopes, int timeout) {
        made = () -> new EntraIDIdentityProvider(info, scopes, timeout);
    }

    /**
     * Tokens from the program's own use of msal4j.
     *
     * @param supplier is asked for each token
     */
    public EntraIDIdentityProviderConfig(Supplier<IAuthenticationResult> supplier) {
        made = () -> new EntraIDIdentityProvider(supplier);
    }

    @Override
    public IdentityProvider getProvider() {
        return made.get();
    }
}
