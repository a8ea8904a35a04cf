package entrakey;

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.ClientSecretCredential;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.HttpResponse;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import java.util.Collections;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What others need for a token that they have in memory. Their requests are answered here, and never leave the process. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PeerBenchmark {
    private static final String SCOPE = "https://redis.azure.com/.default";
    private static final String TENANT = "72f988bf-0000-4000-8000-000000000001";
    private static final String CLIENT = "22222222-c000-4000-8000-000000000002";

    private ConfidentialClientApplication msal;
    private ClientCredentialParameters parameters;
    private ClientSecretCredential azure;
    private TokenRequestContext context;

    /**
     * Gets each its first token.
     *
     * @throws Exception if one of them has none
     */
    @Setup
    public void start() throws Exception {
        msal = ConfidentialClientApplication.builder(CLIENT, ClientCredentialFactory.createFromSecret("secret"))
                .authority("https://login.microsoftonline.com/" + TENANT)
                .instanceDiscovery(false)
                .httpClient(request -> {
                    HttpResponse response = new HttpResponse().statusCode(200).body(CannedHttpClient.ANSWER);
                    response.addHeaders(Collections.singletonMap("Content-Type", Collections.singletonList("application/json")));
                    return response;
                })
                .build();
        parameters = ClientCredentialParameters.builder(Collections.singleton(SCOPE)).build();
        azure = new ClientSecretCredentialBuilder()
                .tenantId(TENANT)
                .clientId(CLIENT)
                .clientSecret("secret")
                .disableInstanceDiscovery()
                .httpClient(new CannedHttpClient())
                .build();
        context = new TokenRequestContext().addScopes(SCOPE);
        msal.acquireToken(parameters).get();
        azure.getTokenSync(context);
    }

    /**
     * {@return the token in memory}
     *
     * @throws Exception if there is none
     */
    @Benchmark
    public IAuthenticationResult msal4j() throws Exception {
        return msal.acquireToken(parameters).get();
    }

    /** {@return the token in memory} */
    @Benchmark
    public AccessToken azureIdentity() {
        return azure.getTokenSync(context);
    }
}
