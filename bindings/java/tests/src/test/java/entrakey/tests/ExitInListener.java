package entrakey.tests;

import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import entrakey.jedis.JedisAuthentication;
import java.util.concurrent.CountDownLatch;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.SslOptions;

/** A program that ends from inside a listener, while Jedis is open and authenticates again. */
public final class ExitInListener {
    static final int STATUS = 7;
    /** Jedis's own 2 s are less than a busy machine takes. */
    private static final int PATIENT_MILLIS = 20_000;

    private ExitInListener() {}

    public static void main(String[] arguments) throws Exception {
        Emulator azure = Emulator.start("--token-lifetime=8s");
        ProviderBuilder builder = Provider.builder().reauthSpread(0);
        azure.configuration().forEach(builder::set);
        Provider provider = builder.build();
        JedisAuthentication authentication = JedisAuthentication.of(provider);
        HostAndPort server = new HostAndPort(azure.redisHost(), azure.redisPort());
        SslOptions trust = SslOptions.builder().truststore(azure.trustStore("changeit".toCharArray()), "changeit".toCharArray()).build();
        RedisClient jedis = RedisClient.builder()
                .hostAndPort(server)
                .clientConfig(authentication.configure(
                        DefaultJedisClientConfig.builder().sslOptions(trust).timeoutMillis(PATIENT_MILLIS).resp3().build(), server))
                .build();
        System.out.println(jedis.ping());
        provider.subscribe(token -> System.exit(STATUS));
        new CountDownLatch(1).await();
    }
}
