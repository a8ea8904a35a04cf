package entrakey.spring;

import entrakey.Provider;
import entrakey.ProviderBuilder;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/**
 * A provider from the properties {@code entrakey.*}, for Spring Data Redis on Lettuce, with health and metrics.
 * {@code entrakey.enabled=false} switches it off.
 */
@AutoConfiguration(
        beforeName = {
            "org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration",
            "org.springframework.boot.autoconfigure.data.redis.RedisAutoConfiguration"
        })
@ConditionalOnProperty(name = "entrakey.enabled", matchIfMissing = true)
@Import({
    LettuceBeans.class,
    LettuceConfiguration.class,
    JedisConfiguration.class,
    HealthConfiguration.class,
    MetricsConfiguration.class,
    Boot3WithoutStarter.class
})
public class EntrakeyAutoConfiguration {
    /** For Spring. */
    public EntrakeyAutoConfiguration() {}

    /**
     * {@return the provider of the application} It is closed after the connections that use it.
     *
     * @param environment has the properties
     * @param customizers what the application adds
     */
    @Bean(destroyMethod = "close")
    @ConditionalOnMissingBean
    public Provider entrakeyProvider(Environment environment, ObjectProvider<ProviderCustomizer> customizers) {
        ProviderBuilder builder = Provider.builder();
        Properties.keys(environment).forEach(builder::set);
        builder.onEvent(new LoggedEvents());
        customizers.orderedStream().forEach(customizer -> customizer.customize(builder));
        return builder.build();
    }
}
