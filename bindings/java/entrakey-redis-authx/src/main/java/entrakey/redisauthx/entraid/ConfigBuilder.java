package entrakey.redisauthx.entraid;

import entrakey.InheritedSettings;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.util.Collections;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.authentication.core.TokenAuthConfig;

/** What both builders have in common: redis-authx's settings, and what becomes of them. */
abstract class ConfigBuilder<T extends ConfigBuilder<T>> extends TokenAuthConfig.Builder<T> implements AutoCloseable {
    static final float REFRESH_RATIO = 0.75f;
    static final int LOWER_REFRESH_BOUND_MILLIS = 2 * 60 * 1000;
    static final int REQUEST_TIMEOUT_MILLIS = 1000;
    static final int ATTEMPTS = 5;
    static final int RETRY_DELAY_MILLIS = 100;

    private static final Logger LOG = LoggerFactory.getLogger("entrakey.redisauthx.entraid");

    private float refreshRatio = REFRESH_RATIO;
    private int lowerRefreshBoundMillis = LOWER_REFRESH_BOUND_MILLIS;
    private int requestTimeoutMillis = REQUEST_TIMEOUT_MILLIS;
    private int attempts = ATTEMPTS;
    private int retryDelayMillis = RETRY_DELAY_MILLIS;
    private Set<String> scopes;

    ConfigBuilder(Set<String> scopes) {
        this.scopes = scopes;
    }

    /** {@return the builder itself} */
    abstract T self();

    /** {@return a provider's builder with the identity} */
    abstract ProviderBuilder identity();

    /**
     * Says what the token is for.
     *
     * @param scopes one scope
     * @return this
     */
    public T scopes(Set<String> scopes) {
        this.scopes = scopes;
        return self();
    }

    /**
     * Says what the token is for. The original has no such method, and its own introduction uses it.
     *
     * @param scope one scope
     * @return this
     */
    public T scopes(String scope) {
        return scopes(Collections.singleton(scope));
    }

    @Override
    public T expirationRefreshRatio(float ratio) {
        super.expirationRefreshRatio(ratio);
        refreshRatio = ratio;
        return self();
    }

    @Override
    public T lowerRefreshBoundMillis(int millis) {
        super.lowerRefreshBoundMillis(millis);
        lowerRefreshBoundMillis = millis;
        return self();
    }

    @Override
    public T tokenRequestExecTimeoutInMs(int millis) {
        super.tokenRequestExecTimeoutInMs(millis);
        requestTimeoutMillis = millis;
        return self();
    }

    @Override
    public T maxAttemptsToRetry(int maximum) {
        super.maxAttemptsToRetry(maximum);
        attempts = maximum;
        return self();
    }

    @Override
    public T delayInMsToRetry(int millis) {
        super.delayInMsToRetry(millis);
        retryDelayMillis = millis;
        return self();
    }

    /**
     * {@return the configuration for one client: each needs its own}
     *
     * @throws RedisEntraIDException if more or less than one identity is configured, or what it needs is missing
     */
    @Override
    public TokenAuthConfig build() {
        ProviderBuilder builder = identity();
        new InheritedSettings()
                .add("refresh_ratio", "expirationRefreshRatio", decimal(refreshRatio), decimal(REFRESH_RATIO))
                .add("refresh_lower_bound_ms", "lowerRefreshBoundMillis", lowerRefreshBoundMillis, LOWER_REFRESH_BOUND_MILLIS)
                .add("request_timeout_ms", "tokenRequestExecTimeoutInMs", requestTimeoutMillis, REQUEST_TIMEOUT_MILLIS)
                .add("retry_initial_ms", "delayInMsToRetry", retryDelayMillis, RETRY_DELAY_MILLIS)
                .add("", "maxAttemptsToRetry", attempts, ATTEMPTS)
                .applyTo(builder)
                .ifPresent(LOG::warn);
        Provider provider = Identities.scoped(builder, scopes).build();
        return new LongPollingIdentityProvider(provider).tokenAuthConfig();
    }

    /** Takes what another builder was told. */
    T copy(ConfigBuilder<T> sample) {
        return expirationRefreshRatio(sample.refreshRatio)
                .lowerRefreshBoundMillis(sample.lowerRefreshBoundMillis)
                .tokenRequestExecTimeoutInMs(sample.requestTimeoutMillis)
                .maxAttemptsToRetry(sample.attempts)
                .delayInMsToRetry(sample.retryDelayMillis)
                .scopes(sample.scopes);
    }

    /** The decimal number that the user wrote: as a float 0.7 is 0.699999988. */
    private static double decimal(float value) {
        return Double.parseDouble(Float.toString(value));
    }
}
