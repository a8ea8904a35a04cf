package entrakey.spring;

import entrakey.Connection;
import entrakey.EntrakeyException;
import entrakey.ErrorKind;
import java.util.stream.Stream;
import org.springframework.data.redis.connection.RedisConfiguration;
import org.springframework.data.redis.connection.RedisConfiguration.ClusterConfiguration;
import org.springframework.data.redis.connection.RedisConfiguration.SentinelConfiguration;
import org.springframework.data.redis.connection.RedisConfiguration.StaticMasterReplicaConfiguration;
import org.springframework.data.redis.connection.RedisConfiguration.WithHostAndPort;
import org.springframework.data.redis.connection.RedisNode;
import org.springframework.data.redis.connection.RedisPassword;

/** What must not be configured beside a token. For the starters of this library, which know how Spring Boot names it. */
public final class RedisChecks {
    private static final String REMEDY =
            "set spring.data.redis.ssl.enabled=true or a bundle, or entrakey.allow-plaintext=true for a tunnel that encrypts";

    private final boolean plaintextAllowed;

    RedisChecks(boolean plaintextAllowed) {
        this.plaintextAllowed = plaintextAllowed;
    }

    /** Refuses a user name or a password beside the token, and a token that would be sent in clear. */
    void check(RedisConfiguration redis, boolean hasTls) {
        if (RedisConfiguration.getUsernameOrElse(redis, () -> null) != null
                || RedisConfiguration.getPasswordOrElse(redis, RedisPassword::none).isPresent()) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG,
                    "Redis has a user name or a password (spring.data.redis.username, .password or .url) beside entrakey's"
                            + " tokens: remove one of them, or set entrakey.enabled=false.",
                    null);
        }
        if (!hasTls && !plaintextAllowed) {
            hosts(redis).forEach(host -> Connection.checkPlaintext(host, REMEDY));
        }
    }

    /** None of a Unix socket. */
    private static Stream<String> hosts(RedisConfiguration redis) {
        if (redis instanceof SentinelConfiguration sentinel) { // nobody knows yet where the server is
            return sentinel.getSentinels().stream().map(RedisNode::getHost);
        }
        if (redis instanceof ClusterConfiguration cluster) {
            return cluster.getClusterNodes().stream().map(RedisNode::getHost);
        }
        if (redis instanceof StaticMasterReplicaConfiguration replicas) {
            return replicas.getNodes().stream().map(WithHostAndPort::getHostName);
        }
        return redis instanceof WithHostAndPort server ? Stream.of(server.getHostName()) : Stream.empty();
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
