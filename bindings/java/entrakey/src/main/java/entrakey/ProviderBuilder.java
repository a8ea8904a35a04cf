// Written by `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` from the table of keys. Do not edit.

package entrakey;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What a {@link Provider} is made from. What is not set comes from the environment (ENTRAKEY_KEY, then Azure's own variables),
 * then from the file that {@link #configFile} names. A value is taken literally, also one with "${". Not for several threads.
 */
public final class ProviderBuilder {
    private final Map<String, String> values = new LinkedHashMap<>();
    private TokenSource tokens;
    private AssertionSource assertions;
    private Consumer<Event> observer;

    ProviderBuilder() {}

    /**
     * A provider. Reads the environment, now and never again; does no network I/O.
     *
     * @return a new one at each call
     * @throws EntrakeyException of kind {@link ErrorKind#INVALID_CONFIG}, or {@link ErrorKind#INTERNAL} if the native library cannot be
     *     loaded
     */
    public Provider build() {
        Wire.Writer entries = new Wire.Writer();
        values.forEach((key, value) -> entries.text(key, key).text(key, value));
        try {
            Native opened = Native.open(entries.done(), tokens != null, assertions != null, observer != null);
            return new Provider(opened, tokens, assertions, observer);
        } finally {
            entries.wipe();
        }
    }

    /**
     * Sets a key by its name in docs/configuration.md, as a text; for what reads configurations.
     *
     * @param key the key: {@code client_id}
     * @param value the value; times are whole milliseconds
     * @return this
     */
    public ProviderBuilder set(String key, String value) {
        values.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, key));
        return this;
    }

    /**
     * Makes the program the source of tokens.
     *
     * @param source is asked for each token
     * @return this
     */
    public ProviderBuilder tokenSource(TokenSource source) {
        tokens = Objects.requireNonNull(source, "source");
        return this;
    }

    /**
     * Makes the program the source of the assertions with which the application of {@link #tenantId} and {@link #clientId} signs in.
     *
     * @param source is asked for each assertion
     * @return this
     */
    public ProviderBuilder assertionSource(AssertionSource source) {
        assertions = Objects.requireNonNull(source, "source");
        return this;
    }

    /**
     * Gives the provider's events to an observer, in their order, on a thread of this library's. An observer that is too slow misses some,
     * which are counted ({@code events_dropped}).
     *
     * @param observer is called with each event
     * @return this
     */
    public ProviderBuilder onEvent(Consumer<Event> observer) {
        this.observer = Objects.requireNonNull(observer, "observer");
        return this;
    }

    /** Names the keys that are set, and no value. */
    @Override
    public String toString() {
        return "ProviderBuilder" + values.keySet();
    }

    private static String millis(Duration value) {
        return Long.toString(Wire.millis(value));
    }

    /**
     * How to authenticate. <code>default</code> takes the first that is there: environment, workload_identity,
     * managed_identity, azure_cli, azure_developer_cli; AZURE_TOKEN_CREDENTIALS (dev, prod, or one name) narrows it
     * down. One of default, managed_identity, service_principal, workload_identity, client_assertion, azure_cli,
     * azure_developer_cli, azure_pipelines, token_file, environment, custom. If nothing sets it: default.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder identity(String value) {
        return set("identity", value);
    }

    /**
     * The tenant of the service principal. For azure_cli and azure_developer_cli: the tenant to sign in to, if it is
     * not the tool's own; AZURE_TENANT_ID is not read for them.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder tenantId(String value) {
        return set("tenant_id", value);
    }

    /**
     * The application (client) id: of the service principal, or of a user-assigned managed identity. For a managed
     * identity AZURE_CLIENT_ID is read in the default chain only.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder clientId(String value) {
        return set("client_id", value);
    }

    /**
     * A user-assigned managed identity, by its object (principal) id.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder objectId(String value) {
        return set("object_id", value);
    }

    /**
     * A user-assigned managed identity, by its Azure resource id.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder resourceId(String value) {
        return set("resource_id", value);
    }

    /**
     * The service principal's secret: its value, not its id.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder clientSecret(String value) {
        return set("client_secret", value);
    }

    /**
     * A file that holds the service principal's secret and nothing else. It is read for each request, and a change
     * of it is noticed within seconds when the secret was refused.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder clientSecretPath(String value) {
        return set("client_secret_path", value);
    }

    /**
     * The file with the token that Kubernetes issues for a workload identity. It is read for each request.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder federatedTokenFile(String value) {
        return set("federated_token_file", value);
    }

    /**
     * A file with a client assertion: a JWT that Entra trusts by a federated credential. It is read for each
     * request; whoever issues it keeps it fresh.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder clientAssertionPath(String value) {
        return set("client_assertion_path", value);
    }

    /**
     * The service connection of Azure Pipelines that signs in.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder serviceConnectionId(String value) {
        return set("service_connection_id", value);
    }

    /**
     * The token of the pipeline's job.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder systemAccessToken(String value) {
        return set("system_access_token", value);
    }

    /**
     * Where Azure Pipelines issues tokens; it sets it.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder oidcRequestUri(String value) {
        return set("oidc_request_uri", value);
    }

    /**
     * For token_file: a file with an access token that somebody else keeps fresh, <code>entrakey agent</code> for
     * instance. Either the token alone, or a JSON object with it (<code>value</code>, <code>access_token</code>),
     * its end (<code>expires_on</code>, in seconds since 1970) and the user name (<code>username</code>). It is read
     * for each request.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder tokenFilePath(String value) {
        return set("token_file_path", value);
    }

    /**
     * For azure_cli: the subscription whose account is meant, if it is not the tool's current one.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder azureCliSubscription(String value) {
        return set("azure_cli_subscription", value);
    }

    /**
     * The service principal's certificate: a PEM file, or a PFX (PKCS#12) file with its key in it, also in base64.
     * Files are read anew when they change.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder certificatePath(String value) {
        return set("certificate_path", value);
    }

    /**
     * The PEM file with the certificate's private key, if it is not in certificate_path.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder privateKeyPath(String value) {
        return set("private_key_path", value);
    }

    /**
     * The certificate itself, instead of certificate_path: in PEM, and its key may stand beside it; or a PFX in
     * base64, as Azure Key Vault gives it.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder certificate(String value) {
        return set("certificate", value);
    }

    /**
     * The private key itself (PEM), instead of private_key_path.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder privateKey(String value) {
        return set("private_key", value);
    }

    /**
     * The password of the PFX or of the encrypted private key.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder certificatePassword(String value) {
        return set("certificate_password", value);
    }

    /**
     * Sends the certificate and those that vouch for it along, for applications that trust a subject name and an
     * issuer.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder sendCertificateChain(boolean value) {
        return set("send_certificate_chain", Boolean.toString(value));
    }

    /**
     * The certificate's SHA-1 in hexadecimal, for callers that have nothing else besides the private key: signs as
     * older libraries do (RS256, x5t).
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder certificateThumbprint(String value) {
        return set("certificate_thumbprint", value);
    }

    /**
     * What the token is for. The other name of the same resource is acca5fbb-b7e4-4009-81f1-37e38fd66d78/.default.
     * If nothing sets it: https://redis.azure.com/.default.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder scope(String value) {
        return set("scope", value);
    }

    /**
     * Which of Microsoft's clouds: it decides on Entra's address. One of public, china, us_government. If nothing
     * sets it: public.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder cloud(String value) {
        return set("cloud", value);
    }

    /**
     * Entra's address, https only, if it is not that of the cloud: https://login.microsoftonline.com.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder authorityHost(String value) {
        return set("authority_host", value);
    }

    /**
     * The instance metadata service's address, for tests and emulators. If code or ENTRAKEY_IMDS_ENDPOINT gives it,
     * no other managed identity endpoint is looked for. Plain http is refused outside loopback and link-local
     * addresses. If nothing sets it: http://169.254.169.254.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder imdsEndpoint(String value) {
        return set("imds_endpoint", value);
    }

    /**
     * The proxy for requests to Entra, http://host:port or https://host:port with user and password if need be; else
     * the variables https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY. Managed identity endpoints are never asked
     * through one. docs/proxies.md has the rules.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder proxy(String value) {
        return set("proxy", value);
    }

    /**
     * Hosts that are asked directly, without the proxy: names, addresses, networks, * for all, with commas between
     * them; else the variables no_proxy, NO_PROXY.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder noProxy(String value) {
        return set("no_proxy", value);
    }

    /**
     * A PEM file of certificate authorities to trust besides the system's.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder caFile(String value) {
        return set("ca_file", value);
    }

    /**
     * The Redis user name, if it is not to be taken from the token.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder username(String value) {
        return set("username", value);
    }

    /**
     * The claim of the token that holds the Redis user name. If nothing sets it: oid.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder usernameClaim(String value) {
        return set("username_claim", value);
    }

    /**
     * Ask for a new token after this share of the validity that was left when the token was first seen. If nothing
     * sets it: 0.7.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder refreshRatio(double value) {
        return set("refresh_ratio", Double.toString(value));
    }

    /**
     * Ask for a new token this long before expiry at the latest: Microsoft's three minutes, and two to spread. If
     * nothing sets it: 300000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder refreshLowerBound(Duration value) {
        return set("refresh_lower_bound_ms", millis(value));
    }

    /**
     * Refresh earlier by a random share of the lifetime up to this, so that a fleet does not ask in step. 0 switches
     * all spreading of refreshes off. If nothing sets it: 0.05.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder refreshJitter(double value) {
        return set("refresh_jitter", Double.toString(value));
    }

    /**
     * The least time between an answer and the next request. If nothing sets it: 30000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder minRequestInterval(Duration value) {
        return set("min_request_interval_ms", millis(value));
    }

    /**
     * The most one request to the token source may take. If nothing sets it: 10000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder requestTimeout(Duration value) {
        return set("request_timeout_ms", millis(value));
    }

    /**
     * The most a call of get_token may take. If nothing sets it: 30000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder getTokenTimeout(Duration value) {
        return set("get_token_timeout_ms", millis(value));
    }

    /**
     * The least wait after a failed request. If nothing sets it: 500.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder retryInitial(Duration value) {
        return set("retry_initial_ms", millis(value));
    }

    /**
     * The most wait after a failed request. There is no limit on tries. If nothing sets it: 30000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder retryMax(Duration value) {
        return set("retry_max_ms", millis(value));
    }

    /**
     * Connections are told to re-authenticate at least this long before the old token expires; Microsoft asks for
     * three minutes. If nothing sets it: 180000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder reauthMargin(Duration value) {
        return set("reauth_margin_ms", millis(value));
    }

    /**
     * Notifications are spread over this share of the lifetime (0.025 at most for tokens under 20 minutes). If
     * nothing sets it: 0.1.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder reauthSpread(double value) {
        return set("reauth_spread", Double.toString(value));
    }

    /**
     * A token with less than this left is handed out only if nothing better can be had. If nothing sets it: 60000.
     *
     * @param value the time, at least whole milliseconds
     * @return this
     */
    public ProviderBuilder minValidity(Duration value) {
        return set("min_validity_ms", millis(value));
    }

    /**
     * A label for metrics and logs, if a process has several providers. It leaves the process: no secret, no object
     * id.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder name(String value) {
        return set("name", value);
    }

    /**
     * A JSON, YAML or TOML file of these keys, or with a secret store's entries; see above. Not settable in a file.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder configFile(String value) {
        return set("config_file", value);
    }

    /**
     * The id of the secret store's entry in config_file, if the file has several. Not settable in a file.
     *
     * @param value the value
     * @return this
     */
    public ProviderBuilder configEntry(String value) {
        return set("config_entry", value);
    }
}
