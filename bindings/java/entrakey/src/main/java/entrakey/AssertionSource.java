package entrakey;

/** Supplies the client assertions with which an application signs in: JWTs that Entra trusts by a federated credential. */
@FunctionalInterface
public interface AssertionSource {
    /**
     * {@return a client assertion} Called before each request to Entra, by the rules of {@link TokenSource}.
     *
     * @throws Exception if there is none; it is asked again later. The message reaches errors and logs: no secrets.
     */
    String assertion() throws Exception;
}
