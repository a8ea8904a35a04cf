package examples;

import entrakey.Provider;
import entrakey.jedis.JedisAuthentication;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;

/** Jedis. The identity comes from the environment. */
public final class JedisHello {
    private JedisHello() {}

    public static void main(String[] arguments) throws Exception {
        HostAndPort server = new HostAndPort(Surroundings.HOST, Surroundings.PORT);
        JedisClientConfig config = DefaultJedisClientConfig.builder().sslOptions(tls()).resp3().build();
        try (Provider provider = Provider.fromEnvironment();
                JedisAuthentication authentication = JedisAuthentication.of(provider);
                RedisClient jedis = RedisClient.builder()
                        .hostAndPort(server)
                        .clientConfig(authentication.configure(config, server))
                        .build()) {
            System.out.println("Jedis: " + jedis.ping());
        }
    }

    private static SslOptions tls() throws Exception {
        if (Surroundings.CA_FILE == null) {
            return SslOptions.defaults();
        }
        char[] password = "changeit".toCharArray();
        ByteArrayOutputStream store = new ByteArrayOutputStream();
        Surroundings.trusted().store(store, password);
        return SslOptions.builder().truststore(() -> new ByteArrayInputStream(store.toByteArray()), password).build();
    }
}
