package entrakey.spring;

import entrakey.Provider;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The metrics of the tokens, where the application has Micrometer. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(MeterBinder.class)
class MetricsConfiguration {
    @Bean
    MeterBinder entrakeyMeters(Provider provider) {
        return new TokenMeters(provider);
    }
}
