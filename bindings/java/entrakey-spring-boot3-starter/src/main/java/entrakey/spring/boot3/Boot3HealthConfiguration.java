package entrakey.spring.boot3;

import entrakey.Provider;
import entrakey.spring.TokenState;
import org.springframework.boot.actuate.health.Health;
import org.springframework.boot.actuate.health.HealthIndicator;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The health of the tokens, where the application has Spring Boot's actuator. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(HealthIndicator.class)
class Boot3HealthConfiguration {
    @Bean
    @ConditionalOnMissingBean(name = "entrakeyHealthIndicator")
    HealthIndicator entrakeyHealthIndicator(Provider provider) {
        return () -> {
            TokenState state = TokenState.of(provider);
            return (state.isUp() ? Health.up() : Health.down()).withDetails(state.details()).build();
        };
    }
}
