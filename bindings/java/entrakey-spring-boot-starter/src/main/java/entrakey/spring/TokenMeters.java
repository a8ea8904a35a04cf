package entrakey.spring;

import entrakey.Provider;
import entrakey.Status;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The library's metrics by Micrometer's names: {@code entrakey.reauths} is {@code entrakey_reauths_total} for Prometheus. */
final class TokenMeters implements MeterBinder {
    private final Provider provider;

    TokenMeters(Provider provider) {
        this.provider = provider;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, "entrakey.token.expiry.timestamp.seconds", "When the token in hand expires.",
                status -> status.expiresAt().map(at -> at.toEpochMilli() / 1000.0).orElse(Double.NaN));
        gauge(registry, "entrakey.consecutive.refresh.failures", "Failed token requests in a row.", Status::attempts);
        gauge(registry, "entrakey.connections", "Open connections that clients report.", Status::connections);
        gauge(registry, "entrakey.listeners.stale", "Connections on an older token that is about to expire.",
                Status::staleConnections);
        gauge(registry, "entrakey.clock.skew.seconds", "This machine's clock less the source's.",
                status -> status.clockSkew().map(skew -> skew.toMillis() / 1000.0).orElse(Double.NaN));
        counter(registry, "entrakey.token.refreshes", "success", status -> count(status, "renewed"));
        counter(registry, "entrakey.token.refreshes", "unchanged", status -> count(status, "unchanged"));
        counter(registry, "entrakey.token.refreshes", "failure", status -> sum(status, "failures."));
        counter(registry, "entrakey.reauths", "accepted", status -> count(status, "reauths_accepted"));
        counter(registry, "entrakey.reauths", "rejected", status -> count(status, "reauths_rejected"));
        counter(registry, "entrakey.auth.rejections", "any", status -> sum(status, "auth_rejections."));
    }

    private void gauge(MeterRegistry registry, String name, String description, ToDoubleFunction<Status> value) {
        Gauge.builder(name, provider, from -> value.applyAsDouble(from.status()))
                .description(description)
                .register(registry);
    }

    private void counter(MeterRegistry registry, String name, String result, ToDoubleFunction<Status> value) {
        FunctionCounter.builder(name, provider, from -> value.applyAsDouble(from.status()))
                .tag("result", result)
                .register(registry);
    }

    private static double count(Status status, String name) {
        return status.counters().getOrDefault(name, 0L);
    }

    private static double sum(Status status, String prefix) {
        return status.counters().entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(prefix))
                .mapToLong(Map.Entry::getValue)
                .sum();
    }
}
