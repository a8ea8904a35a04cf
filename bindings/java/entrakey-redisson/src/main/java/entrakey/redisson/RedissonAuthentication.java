package entrakey.redisson;

import entrakey.Connection;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import entrakey.Provider;
import entrakey.Subscription;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.redisson.config.Config;
import org.redisson.config.Credentials;
import org.redisson.config.CredentialsResolver;
import org.redisson.config.Protocol;
import org.redisson.misc.RedisURI;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Authenticates the connections of Redisson clients with the tokens of a provider, and again before those expire.
 *
 * <pre>{@code
 * Config config = new Config();
 * config.useSingleServer().setAddress("rediss://cache.westeurope.redis.azure.net:10000");
 * RedissonAuthentication authentication = RedissonAuthentication.of(provider);
 * RedissonClient redisson = Redisson.create(authentication.configure(config));
 * }</pre>
 *
 * <p>One for any number of clients. Close it after them.
 */
public final class RedissonAuthentication implements CredentialsResolver, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RedissonAuthentication.class);
    private static final String REMEDY =
            "use rediss:// in the addresses, or allowPlaintext() for a tunnel that encrypts";

    private final Provider provider;
    private final Subscription subscription;
    private final RedissonConnections connections = new RedissonConnections();
    private volatile boolean plaintextAllowed;

    private RedissonAuthentication(Provider provider) {
        this.provider = provider;
        subscription = provider.subscribe(connections::announce);
        connections.reportTo(subscription);
    }

    /**
     * {@return the authentication of any number of clients}
     *
     * @param provider whose tokens; it is not closed with this
     */
    public static RedissonAuthentication of(Provider provider) {
        return new RedissonAuthentication(provider);
    }

    /**
     * Permits connections without TLS to other machines: for a tunnel that encrypts.
     *
     * @return this
     */
    public RedissonAuthentication allowPlaintext() {
        plaintextAllowed = true;
        return this;
    }

    /**
     * Gives the configuration the token in the place of any password, and RESP3, with which a subscriber's connection can authenticate again.
     * Waits for the first token, for 5 seconds at most: Redisson cannot connect with RESP3 while it still has to wait for one.
     *
     * @param config a client's configuration, with its servers
     * @return the same
     * @throws EntrakeyException of kind {@link ErrorKind#INVALID_CONFIG} if a token would be sent in clear, or to sentinels
     */
    public Config configure(Config config) {
        if (config.isSentinelConfig()) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "Redisson would send the token to the sentinels too: connect to the server itself (useSingleServer).",
                    null);
        }
        boolean hadCredentials = mapAddresses(config, this::checked);
        if (hadCredentials || config.getPassword() != null || config.getUsername() != null) {
            LOG.warn("The user name or password of the Redisson configuration or its addresses is left out: the token takes its place.");
        }
        awaitFirstToken();
        return config.setUsername(null)
                .setPassword(null)
                .setCredentialsResolver(this)
                .setNettyHook(connections.hook(config.getNettyHook()))
                .setProtocol(Protocol.RESP3);
    }

    private void awaitFirstToken() {
        try {
            provider.getTokenForConnect();
        } catch (EntrakeyException e) {
            LOG.warn("There is no token yet, and Redisson may fail to connect: {}", e.getMessage());
        }
    }

    /** Lets each address pass through {@code checked}; whether one of them had a user name or a password, which Redisson would prefer. */
    private static boolean mapAddresses(Config config, UnaryOperator<RedisURI> checked) {
        List<String> before = new ArrayList<>();
        if (config.isSingleConfig()) {
            before.add(config.useSingleServer().getAddress());
        } else if (config.isClusterConfig()) {
            before.addAll(config.useClusterServers().getNodeAddresses());
        }
        before.removeIf(Objects::isNull);
        if (before.isEmpty()) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "The Redisson configuration has no address yet: call useSingleServer().setAddress or useClusterServers()"
                            + ".addNodeAddress first. Other kinds of servers are none of Azure's.",
                    null);
        }
        List<RedisURI> found = before.stream().map(RedisURI::new).collect(Collectors.toList());
        List<String> after = found.stream().map(checked).map(RedisURI::toString).collect(Collectors.toList());
        if (config.isSingleConfig()) {
            config.useSingleServer().setAddress(after.get(0));
        } else {
            config.useClusterServers().setNodeAddresses(after);
        }
        return found.stream().anyMatch(address -> address.getUsername() != null || address.getPassword() != null);
    }

    /** The same address without credentials. */
    private RedisURI checked(RedisURI address) {
        if (address.isUDS()) {
            return address;
        }
        if (!address.isSsl() && !plaintextAllowed) {
            Connection.checkPlaintext(address.getHost(), REMEDY);
        }
        return new RedisURI(address.getScheme(), address.getHost(), address.getPort());
    }

    /**
     * {@return the credentials of a connection that is being made} Complete already when a token is in memory: with a stage that is not,
     * Redisson sends HELLO before AUTH.
     */
    @Override
    public CompletionStage<Credentials> resolve(InetSocketAddress address) {
        if (!connections.isHooked()) {
            CompletableFuture<Credentials> refused = new CompletableFuture<>();
            refused.completeExceptionally(new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "Redisson's connections would not authenticate again: call RedissonAuthentication.configure(config), after"
                            + " setNettyHook and setCredentialsResolver.",
                    null));
            return refused;
        }
        return provider.getTokenForConnectAsync()
                .thenApply(connections::remember)
                .thenApply(token -> new Credentials(token.username(), token.secret()));
    }

    /** {@return a moment that never comes} Connections authenticate again without Redisson's doing: {@link RedissonChannel}. */
    @Override
    public CompletionStage<Void> nextRenewal() {
        return new CompletableFuture<>(); // a new one each time: who waits for it is collected with it
    }

    /** Ends the re-authentication. The provider stays open. */
    @Override
    public void close() {
        subscription.close();
    }
}
