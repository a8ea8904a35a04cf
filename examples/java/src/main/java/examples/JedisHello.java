package examples;

import entrakey.Provider;
import entrakey.jedis.JedisAuthentication;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;

/** Jedis. The identity comes from the environment; a trust store, if one is needed, from -Djavax.net.ssl.trustStore. */
public final class JedisHello {
    private JedisHello() {}

    public static void main(String[] arguments) {
        HostAndPort server = new HostAndPort(Surroundings.HOST, Surroundings.PORT);
        JedisClientConfig config = DefaultJedisClientConfig.builder().sslOptions(SslOptions.defaults()).resp3().build();
        try (Provider provider = Provider.fromEnvironment();
                JedisAuthentication authentication = JedisAuthentication.of(provider);
                RedisClient jedis = RedisClient.builder()
                        .hostAndPort(server)
                        .clientConfig(authentication.configure(config, server))
                        .build()) {
            System.out.println("Jedis: " + jedis.ping());
        }
    }
}
