package entrakey;

/** What kind of failure an {@link EntrakeyException} is. The names are the same in every language; kinds may be added. */
public enum ErrorKind {
    /** An argument of the call makes no sense. */
    INVALID_ARGUMENT(1),
    /** A configuration key is unknown, missing or contradicts another. */
    INVALID_CONFIG(2),
    /** The identity does not exist on this machine, or no managed identity endpoint is here. */
    IDENTITY_UNAVAILABLE(3),
    /** Entra refused the identity; {@link EntrakeyException#aadsts()} says why. */
    AUTH_REJECTED(4),
    /** The source asks for fewer requests. */
    THROTTLED(5),
    /** The source could not be reached, or this process may not have what that takes. */
    NETWORK(6),
    /** No answer within the time allowed. */
    TIMEOUT(7),
    /** The source answered something that is not a token. */
    BAD_RESPONSE(8),
    /** The token has no claim to take the Redis user name from. */
    USERNAME_UNAVAILABLE(9),
    /** The provider was closed. */
    CLOSED(10),
    /** The program's own token or assertion source failed. */
    CALLBACK_FAILED(11),
    /** A defect in this library, or a native library that cannot be loaded. */
    INTERNAL(12);

    private final int number;

    ErrorKind(int number) {
        this.number = number;
    }

    static ErrorKind of(long number) {
        for (ErrorKind kind : values()) {
            if (kind.number == number) {
                return kind;
            }
        }
        return INTERNAL;
    }
}
