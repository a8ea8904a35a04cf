package entrakey.spring;

import entrakey.Connection;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import java.util.Collection;

/** What must not be configured beside a token. For the starters of this library, which know how Spring Boot names it. */
public final class RedisChecks {
    private static final String REMEDY =
            "set spring.data.redis.ssl.enabled=true or a bundle, or entrakey.allow-plaintext=true for a tunnel that encrypts";

    private final boolean plaintextAllowed;

    RedisChecks(boolean plaintextAllowed) {
        this.plaintextAllowed = plaintextAllowed;
    }

    /**
     * Refuses a user name or a password beside the token, and a token that would be sent in clear.
     *
     * @param hasCredentials whether Redis has a user name or a password
     * @param hosts where Redis is
     * @param hasTls whether the connections have TLS
     */
    public void check(boolean hasCredentials, Collection<String> hosts, boolean hasTls) {
        if (hasCredentials) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "Redis has a user name or a password (spring.data.redis.username, .password or .url) beside entrakey's"
                            + " tokens: remove one of them, or set entrakey.enabled=false.",
                    null);
        }
        if (!hasTls && !plaintextAllowed) {
            hosts.forEach(host -> Connection.checkPlaintext(host, REMEDY));
        }
    }

    /** {@return the error of an application whose Spring Data Redis is on Jedis} */
    public static EntrakeyException refuseJedis() {
        return new EntrakeyException(
                ErrorKind.INVALID_CONFIG,
                "Spring Data Redis does not authenticate Jedis's connections again when their token is replaced: use Lettuce"
                        + " (io.lettuce:lettuce-core, spring.data.redis.client-type=lettuce), or set entrakey.enabled=false.",
                null);
    }
}
