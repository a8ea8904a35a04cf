package entrakey;

import java.util.Optional;
import java.util.OptionalInt;

/** What went wrong, in a sentence that says what to do. Holds no secret. */
public class EntrakeyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of failure it is. */
    private final ErrorKind kind;
    /** Whether it passes by itself. */
    private final boolean retriable;
    /** Entra's number, -1 for none. */
    private final int aadsts;
    /** What Microsoft's support asks for, or null. */
    private final String correlationId;
    /** The status of the answer, -1 for none. */
    private final int httpStatus;

    /**
     * An exception of this library's own adapters; a provider's say more.
     *
     * @param kind what kind of failure it is
     * @param message what happened and what to do
     * @param cause what it comes from, or null
     */
    public EntrakeyException(ErrorKind kind, String message, Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.retriable = false;
        this.aadsts = -1;
        this.correlationId = null;
        this.httpStatus = -1;
    }

    EntrakeyException(Wire.Reader read) {
        this(ErrorKind.of(read.number()), read.text(), read.flag(), read.number(), read.text(), read.number());
    }

    private EntrakeyException(
            ErrorKind kind, String message, boolean retriable, long aadsts, String correlationId, long httpStatus) {
        super(message);
        this.kind = kind;
        this.retriable = retriable;
        this.aadsts = (int) aadsts;
        this.correlationId = correlationId;
        this.httpStatus = (int) httpStatus;
    }

    /** {@return what kind of failure it is} */
    public ErrorKind kind() {
        return kind;
    }

    /** {@return whether the same call can succeed later with nothing changed} */
    public boolean isRetriable() {
        return retriable;
    }

    /** {@return the number of Entra's refusal, without its prefix AADSTS} */
    public OptionalInt aadsts() {
        return aadsts < 0 ? OptionalInt.empty() : OptionalInt.of(aadsts);
    }

    /** {@return what Microsoft's support asks for} */
    public Optional<String> correlationId() {
        return Optional.ofNullable(correlationId);
    }

    /** {@return the HTTP status of the answer, if there was one} */
    public OptionalInt httpStatus() {
        return httpStatus < 0 ? OptionalInt.empty() : OptionalInt.of(httpStatus);
    }
}
