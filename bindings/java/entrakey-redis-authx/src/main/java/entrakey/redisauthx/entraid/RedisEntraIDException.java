package entrakey.redisauthx.entraid;

import redis.clients.authentication.core.AuthXException;

/** What is configured makes no sense. */
public class RedisEntraIDException extends AuthXException {
    private static final long serialVersionUID = 1L;

    /**
     * An exception without a cause.
     *
     * @param message what is wrong
     */
    public RedisEntraIDException(String message) {
        super(message);
    }

    /**
     * An exception.
     *
     * @param message what is wrong
     * @param cause what it comes from
     */
    public RedisEntraIDException(String message, Exception cause) {
        super(message, cause);
    }
}
