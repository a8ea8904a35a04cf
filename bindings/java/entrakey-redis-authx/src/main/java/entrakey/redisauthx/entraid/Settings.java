package entrakey.redisauthx.entraid;

import entrakey.InheritedSettings;
import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.redisauthx.LongPollingIdentityProvider;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.authentication.core.TokenAuthConfig;

/** What both builders have in common: redis-authx's settings, and what becomes of them. */
final class Settings {
    static final float REFRESH_RATIO = 0.75f;
    static final int LOWER_REFRESH_BOUND_MILLIS = 2 * 60 * 1000;
    static final int REQUEST_TIMEOUT_MILLIS = 1000;
    static final int ATTEMPTS = 5;
    static final int RETRY_DELAY_MILLIS = 100;

    private static final Logger LOG = LoggerFactory.getLogger("entrakey.redisauthx.entraid");
    private static final String SUFFIX = "/.default";

    float refreshRatio = REFRESH_RATIO;
    int lowerRefreshBoundMillis = LOWER_REFRESH_BOUND_MILLIS;
    int requestTimeoutMillis = REQUEST_TIMEOUT_MILLIS;
    int attempts = ATTEMPTS;
    int retryDelayMillis = RETRY_DELAY_MILLIS;
    Set<String> scopes;

    /** Sets what is common, makes the provider, and gives redis-authx what lets it wait for tokens. */
    TokenAuthConfig build(ProviderBuilder builder) {
        new InheritedSettings()
                .add("refresh_ratio", "expirationRefreshRatio", decimal(refreshRatio), decimal(REFRESH_RATIO))
                .add("refresh_lower_bound_ms", "lowerRefreshBoundMillis", lowerRefreshBoundMillis, LOWER_REFRESH_BOUND_MILLIS)
                .add("request_timeout_ms", "tokenRequestExecTimeoutInMs", requestTimeoutMillis, REQUEST_TIMEOUT_MILLIS)
                .add("retry_initial_ms", "delayInMsToRetry", retryDelayMillis, RETRY_DELAY_MILLIS)
                .add("", "maxAttemptsToRetry", attempts, ATTEMPTS)
                .applyTo(builder)
                .ifPresent(LOG::warn);
        if (scopes != null && !scopes.isEmpty()) {
            builder.scope(scope());
        }
        Provider provider = builder.build();
        return new LongPollingIdentityProvider(provider).tokenAuthConfig();
    }

    private String scope() {
        if (scopes.size() > 1) {
            throw new RedisEntraIDException("One scope can be asked for, and not " + scopes + '.');
        }
        String scope = scopes.iterator().next();
        return scope.endsWith(SUFFIX) ? scope : scope.replaceAll("/$", "") + SUFFIX;
    }

    /** The decimal number that the user wrote: as a float 0.7 is 0.699999988. */
    private static double decimal(float value) {
        return Double.parseDouble(Float.toString(value));
    }
}
