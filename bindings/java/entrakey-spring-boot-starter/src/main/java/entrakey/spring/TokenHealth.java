package entrakey.spring;

import entrakey.Provider;
import entrakey.Status;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** Up while a valid token is there, or nobody has asked for one yet. Asks nobody. */
final class TokenHealth implements HealthIndicator {
    private final Provider provider;

    TokenHealth(Provider provider) {
        this.provider = provider;
    }

    @Override
    public Health health() {
        Status status = provider.status();
        boolean up = status.isReady() || status.state() == Status.State.IDLE;
        Health.Builder health = (up ? Health.up() : Health.down())
                .withDetail("state", status.state())
                .withDetail("version", status.version())
                .withDetail("attempts", status.attempts());
        status.validityLeft().ifPresent(left -> health.withDetail("validityLeft", left.toString()));
        if (status.attempts() > 0) {
            status.lastErrorMessage().ifPresent(message -> health.withDetail("error", message));
        }
        return health.build();
    }
}
