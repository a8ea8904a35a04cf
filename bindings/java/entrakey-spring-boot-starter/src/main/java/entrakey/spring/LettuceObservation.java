package entrakey.spring;

import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.AbstractRedisClient;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.context.SmartLifecycle;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/**
 * Shows the provider the connections of Spring Data Redis's clients. A connection factory makes its client when it is initialized, and
 * another one when it is started again.
 */
final class LettuceObservation implements BeanPostProcessor, SmartLifecycle {
    /** Connection factories start in phase 0. */
    private static final int AFTER_CONNECTION_FACTORIES = 1;

    private final ObjectProvider<LettuceAuthentication> authentication;
    private final Set<LettuceConnectionFactory> factories = ConcurrentHashMap.newKeySet();
    private volatile boolean running;

    LettuceObservation(ObjectProvider<LettuceAuthentication> authentication) {
        this.authentication = authentication;
    }

    @Override
    public Object postProcessAfterInitialization(Object bean, String name) {
        if (bean instanceof LettuceConnectionFactory factory && hasTokens(factory)) {
            factories.add(factory);
            observe(factory);
        }
        return bean;
    }

    /** The application may have another Redis, with a password. */
    private static boolean hasTokens(LettuceConnectionFactory factory) {
        return factory.getClientConfiguration()
                .getRedisCredentialsProviderFactory()
                .filter(LettuceCredentials.Factory.class::isInstance)
                .isPresent();
    }

    private void observe(LettuceConnectionFactory factory) {
        AbstractRedisClient client = factory.getNativeClient();
        if (client != null) {
            authentication.ifAvailable(reporting -> reporting.observe(client));
        }
    }

    @Override
    public void start() {
        factories.forEach(this::observe);
        running = true;
    }

    @Override
    public void stop() {
        running = false;
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return AFTER_CONNECTION_FACTORIES;
    }
}
