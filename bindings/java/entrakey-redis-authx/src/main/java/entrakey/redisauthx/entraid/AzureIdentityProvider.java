package entrakey.redisauthx.entraid;

import com.azure.identity.DefaultAzureCredential;
import java.util.Set;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.Token;

/** In the place of redis-authx-entraid's class of the same name, for programs that make the configuration from its parts. */
public final class AzureIdentityProvider implements IdentityProvider {
    private final SharedTokens tokens;

    /**
     * The tokens of a credential.
     *
     * @param credential azure-identity's
     * @param scopes one scope
     * @param timeout of the token manager, in milliseconds
     */
    public AzureIdentityProvider(DefaultAzureCredential credential, Set<String> scopes, int timeout) {
        tokens = new SharedTokens(() -> Identities.of(credential), scopes, timeout);
    }

    @Override
    public Token requestToken() {
        return tokens.requestToken();
    }
}
