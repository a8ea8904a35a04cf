package entrakey;

import java.util.Optional;
import java.util.OptionalLong;

/** Something that happened to a provider. Holds no secret; {@link #toString()} is a line for a log. */
public final class Event {
    /** How much an event matters. */
    public enum Level {
        /** Something an operator should look at: the state has changed for the worse. */
        WARN,
        /** A change that is as it should be: a new token. */
        INFO,
        /** Each single step: every retry, every re-authentication. */
        DEBUG
    }

    private final String name;
    private final Level level;
    private final String message;
    private final Long version;
    private final EntrakeyException error;

    private Event(Wire.Reader read) {
        name = read.text();
        level = Level.values()[(int) read.number() - 1];
        message = read.text();
        version = read.optionalNumber();
        error = read.isAtEnd() ? null : new EntrakeyException(read.part());
    }

    static Event of(Wire.Reader read) {
        return new Event(read);
    }

    /** {@return the name, the same in every language: {@code token_refreshed}} */
    public String name() {
        return name;
    }

    /** {@return how much it matters} */
    public Level level() {
        return level;
    }

    /** {@return a line for a log} */
    public String message() {
        return message;
    }

    /** {@return the version of the token that the event is about} */
    public OptionalLong version() {
        return version == null ? OptionalLong.empty() : OptionalLong.of(version);
    }

    /** {@return what went wrong} */
    public Optional<EntrakeyException> error() {
        return Optional.ofNullable(error);
    }

    @Override
    public String toString() {
        return message;
    }
}
