package examples;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;

/** Where the Redis is: REDIS_HOST, REDIS_PORT, and REDIS_CA_FILE if its certificate is not one that Java trusts. */
final class Surroundings {
    static final String HOST = System.getenv("REDIS_HOST");
    static final int PORT = Integer.parseInt(System.getenv().getOrDefault("REDIS_PORT", "10000"));
    static final File CA_FILE = System.getenv("REDIS_CA_FILE") == null ? null : new File(System.getenv("REDIS_CA_FILE"));

    private Surroundings() {}

    /** What trusts the certificate of CA_FILE. */
    static KeyStore trusted() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(CA_FILE.toPath())) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        return store;
    }
}
