package entrakey;

import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Collections;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A program that gets one token from the emulator, whose variables it has in its environment, and ends: {@code entrakey}, {@code msal4j} or
 * {@code nothing}. Prints the milliseconds from the start of {@code main} to the token.
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
                Provider.builder().identity("service_principal").build().getToken();
                break;
            case "msal4j":
                msal4j();
                break;
            default:
                break;
        }
        System.out.println((System.nanoTime() - start) / 1000 / 1000.0);
    }

    private static void msal4j() throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(Paths.get(System.getenv("ENTRAKEY_CA_FILE")))) {
            store.setCertificateEntry("emulator", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        ConfidentialClientApplication.builder(
                        System.getenv("AZURE_CLIENT_ID"), ClientCredentialFactory.createFromSecret(System.getenv("AZURE_CLIENT_SECRET")))
                .authority(System.getenv("AZURE_AUTHORITY_HOST") + '/' + System.getenv("AZURE_TENANT_ID"))
                .instanceDiscovery(false)
                .sslSocketFactory(tls.getSocketFactory())
                .build()
                .acquireToken(ClientCredentialParameters.builder(Collections.singleton("https://redis.azure.com/.default")).build())
                .get();
    }
}
