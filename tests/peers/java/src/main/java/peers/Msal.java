package peers;

import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;
import java.util.concurrent.TimeUnit;

/** MSAL gets a token of the machine's identity, or of the user-assigned one with that client id. */
final class Msal {
    private static final String RESOURCE = "https://redis.azure.com";
    private static final long PATIENCE_S = 60;

    private Msal() {}

    static String token(String clientId) throws Exception {
        ManagedIdentityId id =
                clientId == null ? ManagedIdentityId.systemAssigned() : ManagedIdentityId.userAssignedClientId(clientId);
        ManagedIdentityParameters wish = ManagedIdentityParameters.builder(RESOURCE).build();
        return ManagedIdentityApplication.builder(id)
                .build()
                .acquireTokenForManagedIdentity(wish)
                .get(PATIENCE_S, TimeUnit.SECONDS)
                .accessToken();
    }
}
