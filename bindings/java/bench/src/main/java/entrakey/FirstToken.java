package entrakey;

import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ManagedIdentityCredentialBuilder;
import com.microsoft.aad.msal4j.ManagedIdentityApplication;
import com.microsoft.aad.msal4j.ManagedIdentityId;
import com.microsoft.aad.msal4j.ManagedIdentityParameters;

/**
 * A program that gets one token of a managed identity from the emulator, which its environment points to, and ends: {@code entrakey}, {@code msal4j},
 * {@code azure-identity} or {@code nothing}. Prints the milliseconds from the start of {@code main} to the token.
 */
public final class FirstToken {
    private FirstToken() {}

    /**
     * Gets it.
     *
     * @param arguments who
     * @throws Exception if there is none
     */
    public static void main(String[] arguments) throws Exception {
        long start = System.nanoTime();
        switch (arguments[0]) {
            case "entrakey":
                Provider.builder().identity("managed_identity").build().getToken();
                break;
            case "msal4j":
                msal4j();
                break;
            case "azure-identity":
                azureIdentity();
                break;
            default:
                break;
        }
        System.out.println((System.nanoTime() - start) / 1000 / 1000.0);
    }

    private static void msal4j() throws Exception {
        ManagedIdentityApplication.builder(ManagedIdentityId.systemAssigned())
                .build()
                .acquireTokenForManagedIdentity(ManagedIdentityParameters.builder("https://redis.azure.com").build())
                .get();
    }

    private static void azureIdentity() {
        new ManagedIdentityCredentialBuilder().build().getTokenSync(new TokenRequestContext().addScopes("https://redis.azure.com/.default"));
    }
}
