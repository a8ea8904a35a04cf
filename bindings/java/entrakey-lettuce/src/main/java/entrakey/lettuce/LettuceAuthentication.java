package entrakey.lettuce;

import entrakey.Connection;
import entrakey.Provider;
import entrakey.Subscription;
import entrakey.Token;
import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.event.EventBus;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.resource.ClientResources;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Authenticates the connections of Lettuce clients with the tokens of a provider, and again before those expire.
 *
 * <pre>{@code
 * LettuceAuthentication authentication = LettuceAuthentication.of(provider);
 * RedisClient client = RedisClient.create(authentication.configure(RedisURI.create("rediss://cache.westeurope.redis.azure.net:10000")));
 * client.setOptions(authentication.configure(ClientOptions.create()));
 * authentication.observe(client);
 * }</pre>
 *
 * <p>One for any number of clients. Close it after them.
 */
public final class LettuceAuthentication implements RedisCredentialsProvider, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LettuceAuthentication.class);
    private static final String REMEDY =
            "use rediss:// or RedisURI.Builder.withSsl(true), or allowPlaintext() for a tunnel that encrypts";

    private final Provider provider;
    private final Subscription subscription;
    private final LettuceConnections connections;
    /** Whose events are reported already: clients may share them. */
    private final Set<EventBus> observed = ConcurrentHashMap.newKeySet();
    private final Set<AbstractRedisClient> clients =
            Collections.synchronizedSet(Collections.newSetFromMap(new WeakHashMap<>()));
    private final Disposable.Composite reports = Disposables.composite();
    /**
     * Replays the newest token to whoever comes: a connection that was made with the token before, and subscribes after the new one was
     * announced, would never hear of it otherwise.
     */
    private final Sinks.Many<RedisCredentials> announced = Sinks.many().replay().latest();
    private volatile boolean plaintextAllowed;

    private LettuceAuthentication(Provider provider) {
        this.provider = provider;
        // The listener is called by one thread at a time, as the sink demands. It has failed only when it is closed.
        subscription = provider.subscribe(this::announce);
        connections = new LettuceConnections(provider, subscription);
    }

    /**
     * {@return the authentication of any number of clients}
     *
     * @param provider whose tokens; it is not closed with this
     */
    public static LettuceAuthentication of(Provider provider) {
        return new LettuceAuthentication(provider);
    }

    /**
     * Permits connections without TLS to other machines: for a tunnel that encrypts.
     *
     * @return this
     */
    public LettuceAuthentication allowPlaintext() {
        plaintextAllowed = true;
        return this;
    }

    /**
     * {@return the same address, with the token in the place of any password} Sentinels keep their own credentials.
     *
     * @param uri the server's address
     * @throws entrakey.EntrakeyException of kind {@link entrakey.ErrorKind#INVALID_CONFIG} if a token would be sent in clear
     */
    public RedisURI configure(RedisURI uri) {
        if (!uri.isSsl() && uri.getSocket() == null && !plaintextAllowed) {
            // With Sentinel the address has no host, and nobody knows yet where the server is: where the sentinels are.
            List<RedisURI> hosts = uri.getSentinels().isEmpty() ? Collections.singletonList(uri) : uri.getSentinels();
            hosts.forEach(host -> Connection.checkPlaintext(host.getHost(), REMEDY));
        }
        RedisCredentials before = uri.getCredentialsProvider() instanceof LettuceAuthentication
                ? null
                : uri.getCredentialsProvider().resolveCredentials().block();
        if (before != null && (before.hasPassword() || before.hasUsername())) {
            LOG.warn("The user name or password of the Redis address is left out: the token takes its place.");
        }
        uri.setCredentialsProvider(this);
        return uri;
    }

    /**
     * {@return the same options, with which open connections authenticate with new tokens, and with RESP3, which subscribers need for that}
     *
     * @param options a client's options
     */
    public ClientOptions configure(ClientOptions options) {
        return options.mutate()
                .reauthenticateBehavior(ClientOptions.ReauthenticateBehavior.ON_NEW_CREDENTIALS)
                .protocolVersion(ProtocolVersion.RESP3)
                .build();
    }

    /**
     * {@return the same options, as {@link #configure(ClientOptions)}}
     *
     * @param options a cluster client's options
     */
    public ClusterClientOptions configure(ClusterClientOptions options) {
        return options.mutate()
                .reauthenticateBehavior(ClientOptions.ReauthenticateBehavior.ON_NEW_CREDENTIALS)
                .protocolVersion(ProtocolVersion.RESP3)
                .build();
    }

    /**
     * Reports the client's connections to the provider, and what becomes of their re-authentications, which Lettuce only logs. Before the
     * client's first connection.
     *
     * @param client a client that authenticates so
     * @return the same client
     * @param <C> its type
     */
    public <C extends AbstractRedisClient> C observe(C client) {
        if (clients.add(client)) {
            client.addListener(connections);
        }
        observe(client.getResources());
        return client;
    }

    /**
     * Reports what becomes of re-authentications of all clients with these resources, and not their connections: for frameworks that make
     * the client.
     *
     * @param resources of clients that authenticate so
     */
    public void observe(ClientResources resources) {
        EventBus events = resources.eventBus();
        if (observed.add(events)) {
            reports.add(events.get().subscribe(connections::report));
        }
    }

    /** {@return the credentials of a connection that is being made} From memory, or when there is a token; never blocks. */
    @Override
    public Mono<RedisCredentials> resolveCredentials() {
        return Mono.defer(() -> Mono.fromFuture(provider.getTokenForConnectAsync())).map(this::resolved);
    }

    @Override
    public boolean supportsStreaming() {
        return true;
    }

    /** {@return the newest credentials, and each that follow, when it is time to authenticate with them} It never fails. */
    @Override
    public Flux<RedisCredentials> credentials() {
        return announced.asFlux();
    }

    /** Ends the re-authentication. The provider stays open. */
    @Override
    public void close() {
        subscription.close();
        announced.tryEmitComplete();
        reports.dispose();
    }

    private void announce(Token token) {
        connections.announce(token.version());
        announced.tryEmitNext(credentials(token));
    }

    private RedisCredentials resolved(Token token) {
        connections.resolve(token.version());
        return credentials(token);
    }

    private static RedisCredentials credentials(Token token) {
        return RedisCredentials.just(token.username(), token.secretChars());
    }
}
