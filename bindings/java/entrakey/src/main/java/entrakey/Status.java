package entrakey;

import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/** What a provider is doing, at one moment. Holds no secret and no object id. */
public final class Status {
    /** Where a provider stands. */
    public enum State {
        /** Nobody has asked for a token yet. */
        IDLE,
        /** No valid token is in hand; the first request is under way, or another will follow. */
        FETCHING,
        /** A token is in service and nothing is wrong. */
        FRESH,
        /** A token is in service, but the last request failed: it is tried again. */
        DEGRADED,
        /** No valid token is in hand and the last request failed: it is tried again. */
        FAILING,
        /** Closed. */
        CLOSED,
        /** A state that this version of the classes has no name for. */
        UNKNOWN
    }

    private final String name;
    private final State state;
    private final boolean ready;
    private final long version;
    private final Long tokenAge;
    private final Long validityLeft;
    private final Long expires;
    private final Long nextRefresh;
    private final boolean refreshing;
    private final long attempts;
    private final String errorKind;
    private final String errorMessage;
    private final Long errorTime;
    private final Long clockSkew;
    private final long listeners;
    private final long connections;
    private final long stale;
    private final Long oldestVersion;
    private final String json;
    private final Map<String, Long> counters;

    Status(byte[] bytes) {
        Wire.Reader read = Wire.read(bytes);
        name = read.text();
        state = State.valueOf(read.text());
        ready = read.flag();
        version = read.number();
        tokenAge = read.optionalNumber();
        validityLeft = read.optionalNumber();
        expires = read.optionalNumber();
        nextRefresh = read.optionalNumber();
        refreshing = read.flag();
        attempts = read.number();
        errorKind = read.text();
        errorMessage = read.text();
        errorTime = read.optionalNumber();
        boolean hasSkew = read.flag();
        long skew = read.number();
        clockSkew = hasSkew ? Long.valueOf(skew) : null;
        listeners = read.number();
        connections = read.number();
        stale = read.number();
        oldestVersion = read.optionalNumber();
        json = read.text();
        Map<String, Long> counts = new LinkedHashMap<>();
        for (long left = read.number(); left > 0; left--) {
            counts.put(read.text(), read.number());
        }
        counters = Collections.unmodifiableMap(counts);
    }

    /** {@return the label from the configuration key {@code name}} */
    public Optional<String> name() {
        return Optional.ofNullable(name);
    }

    /** {@return where the provider stands} */
    public State state() {
        return state;
    }

    /** {@return whether a token would be given from memory} */
    public boolean isReady() {
        return ready;
    }

    /** {@return the version of the token in hand, 0 without one} */
    public long version() {
        return version;
    }

    /** {@return the time since the token in hand was first seen} */
    public Optional<Duration> tokenAge() {
        return Optional.ofNullable(tokenAge).map(Duration::ofMillis);
    }

    /** {@return the time until the token in hand expires} */
    public Optional<Duration> validityLeft() {
        return Optional.ofNullable(validityLeft).map(Duration::ofMillis);
    }

    /** {@return when the token in hand expires, by this machine's clock} */
    public Optional<Instant> expiresAt() {
        return Optional.ofNullable(expires).map(Instant::ofEpochMilli);
    }

    /** {@return the time until the next request; none before the first call, or with one under way} */
    public Optional<Duration> nextRefresh() {
        return Optional.ofNullable(nextRefresh).map(Duration::ofMillis);
    }

    /** {@return whether a request is under way} */
    public boolean isRefreshing() {
        return refreshing;
    }

    /** {@return failures in a row} */
    public long attempts() {
        return attempts;
    }

    /** {@return the kind of the last failure, even if that is over} */
    public Optional<ErrorKind> lastErrorKind() {
        return Optional.ofNullable(errorKind).map(ErrorKind::valueOf);
    }

    /** {@return what happened in the last failure and what to do, even if it is over} */
    public Optional<String> lastErrorMessage() {
        return Optional.ofNullable(errorMessage);
    }

    /** {@return when the last failure was} */
    public Optional<Instant> lastErrorAt() {
        return Optional.ofNullable(errorTime).map(Instant::ofEpochMilli);
    }

    /** {@return this machine's clock less the source's, to about a second} */
    public Optional<Duration> clockSkew() {
        return Optional.ofNullable(clockSkew).map(Duration::ofMillis);
    }

    /** {@return how many listeners there are} */
    public long listeners() {
        return listeners;
    }

    /** {@return the open connections of those listeners that say which they have, as all adapters do} */
    public long connections() {
        return connections;
    }

    /** {@return connections still on an older token past the margin before its expiry} */
    public long staleConnections() {
        return stale;
    }

    /** {@return the version of the oldest token that a connection is on} */
    public OptionalLong oldestVersion() {
        return oldestVersion == null ? OptionalLong.empty() : OptionalLong.of(oldestVersion);
    }

    /** {@return counts since the provider was made, by their names in docs/operation.md: {@code reauths_accepted}} */
    public Map<String, Long> counters() {
        return counters;
    }

    /** {@return all of it as one JSON object, with the keys that every language has} */
    public String toJson() {
        return json;
    }

    @Override
    public String toString() {
        return json;
    }
}
