package entrakey;

/** Makes the program the source of tokens: an azure-identity credential that it already has, for instance. */
@FunctionalInterface
public interface TokenSource {
    /**
     * {@return a new token} Called on a thread of this library's, one call at a time; may block. Must not ask the same provider for
     * its token, which fails at once.
     *
     * @param scope what the token is for
     * @throws Exception if there is none; it is asked again later. The message reaches errors and logs: no secrets.
     */
    AccessToken token(String scope) throws Exception;
}
