package entrakey.redisauthx.entraid;

import com.azure.identity.DefaultAzureCredential;
import java.util.Set;
import java.util.function.Supplier;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.IdentityProviderConfig;

/** In the place of redis-authx-entraid's class of the same name. */
public final class AzureIdentityProviderConfig implements IdentityProviderConfig {
    private final Supplier<IdentityProvider> made;

    /**
     * The tokens of a credential.
     *
     * @param credential azure-identity's
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public AzureIdentityProviderConfig(DefaultAzureCredential credential, Set<String> scopes, int timeout) {
        made = () -> new AzureIdentityProvider(credential, scopes, timeout);
    }

    @Override
    public IdentityProvider getProvider() {
        return made.get();
    }
}
