package entrakey.jedis;

import entrakey.Connection;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.Rejection;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.util.Optional;
import java.util.function.UnaryOperator;
import javax.net.ssl.SSLSocketFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.authentication.core.IdentityProvider;
import redis.clients.authentication.core.TokenAuthConfig;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.SslOptions;
import redis.clients.jedis.authentication.AuthXEventListener;
import redis.clients.jedis.authentication.AuthXManager;

/**
 * Authenticates the connections of one Jedis client with the tokens of a provider, and again before those expire.
 *
 * <pre>{@code
 * HostAndPort server = new HostAndPort("cache.westeurope.redis.azure.net", 10000);
 * try (JedisAuthentication authentication = JedisAuthentication.of(provider);
 *         RedisClient jedis = RedisClient.builder().hostAndPort(server).clientConfig(authentication.configure(
 *                 DefaultJedisClientConfig.builder().sslOptions(SslOptions.defaults()).resp3().build(), server)).build()) {
 *     jedis.set("greeting", "hello");
 * }
 * }</pre>
 *
 * <p>One for each client: Jedis stops what it shares with another when one of them is closed. Close it after the client.
 * Subscribers need RESP3: with RESP2 Jedis refuses to subscribe.
 */
public final class JedisAuthentication implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(JedisAuthentication.class);
    private static final String REMEDY =
            "call sslOptions(SslOptions.defaults()) on DefaultJedisClientConfig.builder(), or allowPlaintext() for a tunnel that"
                    + " encrypts";

    private final Provider provider;
    private final LongPollingIdentityProvider identity;
    private final JedisConnections connections;
    private final AuthXManager manager;
    private volatile boolean plaintextAllowed;

    private JedisAuthentication(Provider provider, UnaryOperator<IdentityProvider> asked) {
        this.provider = provider;
        identity = new LongPollingIdentityProvider(provider);
        connections = new JedisConnections(identity.subscription());
        TokenAuthConfig patient = identity.tokenAuthConfig();
        manager = new AuthXManager(new TokenAuthConfig(
                patient.getTokenManagerConfig(), () -> asked.apply(() -> connections.remember(identity.requestToken()))));
        manager.setListener(new Reports());
        manager.addPostAuthenticationHook(connections::acknowledge);
    }

    /**
     * {@return the authentication of one client}
     *
     * @param provider whose tokens; it is not closed with this
     */
    public static JedisAuthentication of(Provider provider) {
        return new JedisAuthentication(provider, UnaryOperator.identity());
    }

    /** For tests: what is between Jedis and the tokens. */
    static JedisAuthentication of(Provider provider, UnaryOperator<IdentityProvider> asked) {
        return new JedisAuthentication(provider, asked);
    }

    /**
     * Permits connections without TLS to other machines: for a tunnel that encrypts.
     *
     * @return this
     */
    public JedisAuthentication allowPlaintext() {
        plaintextAllowed = true;
        return this;
    }

    /**
     * {@return the same configuration, with the token in the place of any password}
     *
     * @param config the client's configuration
     * @param servers where the client connects to; they must be this machine if the configuration has no TLS
     * @throws EntrakeyException of kind {@link ErrorKind#INVALID_CONFIG} if a token would be sent in clear
     */
    public JedisClientConfig configure(JedisClientConfig config, HostAndPort... servers) {
        if (!config.isSsl() && config.getSslOptions() == null && !plaintextAllowed) {
            if (servers.length == 0) {
                throw new EntrakeyException(
                        ErrorKind.INVALID_CONFIG,
                        "The configuration has no TLS, and no servers were named: " + REMEDY + '.',
                        null);
            }
            for (HostAndPort server : servers) {
                Connection.checkPlaintext(server.getHost(), REMEDY);
            }
        }
        if (config.getPassword() != null || config.getUser() != null || config.getCredentialsProvider() != null) {
            LOG.warn("The user name, password or credentials of the Jedis configuration are left out: the token takes their place.");
        }
        DefaultJedisClientConfig.Builder builder = DefaultJedisClientConfig.builder()
                .from(config)
                .user(null)
                .password(null)
                .credentialsProvider(null)
                .authXManager(manager);
        count(config, builder);
        return builder.build();
    }

    /** Takes the sockets that the configuration would make, and counts them. What Jedis 8 would have instead, SslOptions, makes its own. */
    @SuppressWarnings("deprecation")
    private void count(JedisClientConfig config, DefaultJedisClientConfig.Builder builder) {
        SslOptions options = config.getSslOptions();
        if (options != null) {
            SSLSocketFactory counting = CountingSocketFactory.of(options, connections);
            checkTrust(counting); // which sets the parameters too
            builder.sslOptions(null).ssl(true).sslSocketFactory(counting).sslParameters(options.getSslParameters());
        } else if (config.isSsl()) {
            builder.sslSocketFactory(CountingSocketFactory.of(config.getSslSocketFactory(), connections));
        }
    }

    private static void checkTrust(SSLSocketFactory factory) {
        try {
            factory.getDefaultCipherSuites();
        } catch (IllegalStateException e) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG, "The TLS options of the Jedis configuration cannot be used: " + e.getMessage() + '.', e);
        }
    }

    /** {@return what Jedis authenticates with, for frameworks that make the configuration} */
    public AuthXManager authXManager() {
        return manager;
    }

    /**
     * {@return why a server probably refused to let this client in; empty if the exception says nothing of that}
     *
     * @param exception what a command of Jedis's threw
     */
    public Optional<String> explain(Throwable exception) {
        Rejection rejection = connections.rejectionOf(exception)
                .orElseGet(() -> provider.reportRejected(provider.version(), String.valueOf(exception)));
        return rejection.isRefusal() ? Optional.of(rejection.explanation()) : Optional.empty();
    }

    /** Ends the re-authentication. The provider stays open. */
    @Override
    public void close() {
        identity.close();
        if (identity.wasAsked()) {
            manager.stop();
        }
    }

    /** What Jedis says of its own authentication. */
    private final class Reports implements AuthXEventListener {
        @Override
        public void onIdentityProviderError(Exception reason) {
            LOG.debug("no token for Jedis: {}", reason.getMessage()); // the provider's own events say it, once
        }

        @Override
        public void onConnectionAuthenticationError(Exception reason) {
            if (connections.isCounting()) {
                return; // the connection has told it, and knows which token was sent
            }
            long version = provider.version();
            Rejection rejection = provider.reportRejected(version, String.valueOf(reason));
            if (rejection.isRefusal()) {
                identity.subscription().acknowledge(version, false);
                LOG.warn("{}", rejection.explanation());
            }
        }
    }
}
