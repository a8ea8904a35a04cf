package entrakey.spring;

import entrakey.Provider;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** The health of the tokens, as Spring Boot 4 shows it. */
final class TokenHealth implements HealthIndicator {
    private final Provider provider;

    TokenHealth(Provider provider) {
        this.provider = provider;
    }

    @Override
    public Health health() {
        TokenState state = TokenState.of(provider);
        return (state.isUp() ? Health.up() : Health.down()).withDetails(state.details()).build();
    }
}
