package entrakey.spring;

import entrakey.Connection;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import java.util.ArrayList;
import java.util.List;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Cluster;
import org.springframework.boot.data.redis.autoconfigure.DataRedisConnectionDetails.Standalone;

/** What must not be configured beside a token. */
final class RedisChecks {
    private static final String REMEDY =
            "set spring.data.redis.ssl.enabled=true or a bundle, or entrakey.allow-plaintext=true for a tunnel that encrypts";

    private final boolean plaintextAllowed;

    RedisChecks(boolean plaintextAllowed) {
        this.plaintextAllowed = plaintextAllowed;
    }

    void check(DataRedisConnectionDetails details, boolean hasTls) {
        if (details.getPassword() != null || details.getUsername() != null) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "Redis has a user name or a password (spring.data.redis.username, .password or .url) beside entrakey's"
                            + " tokens: remove one of them, or set entrakey.enabled=false.",
                    null);
        }
        if (!hasTls && !plaintextAllowed) {
            hosts(details).forEach(host -> Connection.checkPlaintext(host, REMEDY));
        }
    }

    private static List<String> hosts(DataRedisConnectionDetails details) {
        List<String> hosts = new ArrayList<>();
        Cluster cluster = details.getCluster();
        Standalone standalone = details.getStandalone();
        if (cluster != null) {
            cluster.getNodes().forEach(node -> hosts.add(node.host()));
        } else if (standalone != null) {
            hosts.add(standalone.getHost());
        }
        return hosts;
    }
}
