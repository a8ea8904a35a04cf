package entrakey;

import java.util.Optional;

/**
 * One open connection of a client, from its handshake to its end. A connection that connects anew is another one. What is said of
 * it after {@link #close} does not count.
 */
public final class Connection implements AutoCloseable {
    private final Native provider;
    private final long number;

    Connection(Native provider, long number) {
        this.provider = provider;
        this.number = number;
    }

    /**
     * Refuses a host that is reached without TLS and is not this machine: whoever reads a token can use it. Resolves no name.
     *
     * @param host the host's name or address
     * @param remedy how the client switches TLS on, for the message
     * @throws EntrakeyException of kind {@link ErrorKind#INVALID_CONFIG}
     */
    public static void checkPlaintext(String host, String remedy) {
        Native.check(Wire.lossy(host), Wire.lossy(remedy));
    }

    /**
     * The server took the token of {@code version}: in the handshake, or afterwards.
     *
     * @param version the token's version
     */
    public void authenticated(long version) {
        provider.authenticated(number, version);
    }

    /**
     * Something else came instead. If it is a verdict, the connection stays on the token that it was on, and this one is not to be tried
     * on it again.
     *
     * @param version the token's version
     * @param message what the server or the client says
     * @return what is to be made of it; nothing if the connection or the provider was closed
     */
    public Optional<Rejection> refused(long version, String message) {
        byte[] rejection = provider.refused(number, version, Wire.lossy(message));
        try {
            return rejection == null ? Optional.empty() : Optional.of(Rejection.of(rejection));
        } catch (EntrakeyException e) { // CLOSED, which is no news to a connection
            return Optional.empty();
        }
    }

    /**
     * {@return whether the connection is to be authenticated with the token of {@code version}: it is on an older one, and its server has
     * not refused this one}
     *
     * @param version the token's version
     */
    public boolean isBehind(long version) {
        return provider.isBehind(number, version);
    }

    /** The connection is closed. */
    @Override
    public void close() {
        provider.disconnected(number);
    }
}
