package entrakey.redisauthx.entraid;

import java.security.PrivateKey;
import java.security.cert.X509Certificate;

/** An application, and how it signs in. */
public class ServicePrincipalInfo {
    /** How it signs in. */
    public enum ServicePrincipalAccess {
        /** With a secret. */
        WithSecret,
        /** With a certificate. */
        WithCert
    }

    private final String clientId;
    private final String secret;
    private final PrivateKey key;
    private final X509Certificate certificate;
    private final String authority;
    private final ServicePrincipalAccess access;

    /**
     * An application with a secret.
     *
     * @param clientId its client id
     * @param secret the secret's value
     * @param authority {@code https://login.microsoftonline.com/<tenant id>}
     */
    public ServicePrincipalInfo(String clientId, String secret, String authority) {
        this(clientId, secret, null, null, authority, ServicePrincipalAccess.WithSecret);
    }

    /**
     * An application with a certificate.
     *
     * @param clientId its client id
     * @param key its key, which must be one that can be read
     * @param certificate the certificate
     * @param authority {@code https://login.microsoftonline.com/<tenant id>}
     */
    public ServicePrincipalInfo(String clientId, PrivateKey key, X509Certificate certificate, String authority) {
        this(clientId, null, key, certificate, authority, ServicePrincipalAccess.WithCert);
    }

    private ServicePrincipalInfo(
            String clientId,
            String secret,
            PrivateKey key,
            X509Certificate certificate,
            String authority,
            ServicePrincipalAccess access) {
        this.clientId = clientId;
        this.secret = secret;
        this.key = key;
        this.certificate = certificate;
        this.authority = authority;
        this.access = access;
    }

    /** {@return the client id} */
    public String getClientId() {
        return clientId;
    }

    /** {@return the secret's value, null with a certificate} */
    public String getSecret() {
        return secret;
    }

    /** {@return the key, null with a secret} */
    public PrivateKey getKey() {
        return key;
    }

    /** {@return the certificate, null with a secret} */
    public X509Certificate getCert() {
        return certificate;
    }

    /** {@return where the application signs in} */
    public String getAuthority() {
        return authority;
    }

    /** {@return how it signs in} */
    public ServicePrincipalAccess getAccessWith() {
        return access;
    }
}
