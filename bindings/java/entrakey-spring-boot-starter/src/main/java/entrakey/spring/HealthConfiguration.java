package entrakey.spring;

import entrakey.Provider;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health of the tokens, where the application has Spring Boot's health. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(HealthIndicator.class)
class HealthConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "entrakeyHealthIndicator")
    HealthIndicator entrakeyHealthIndicator(Provider provider) {
        return new TokenHealth(provider);
    }
}
