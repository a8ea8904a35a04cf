package examples;

import entrakey.Provider;
import entrakey.redisson.RedissonAuthentication;
import javax.net.ssl.TrustManagerFactory;
import org.redisson.Redisson;
import org.redisson.api.RedissonClient;
import org.redisson.config.Config;

/** Redisson. The identity comes from the environment. */
public final class RedissonHello {
    private RedissonHello() {}

    public static void main(String[] arguments) throws Exception {
        Config config = new Config();
        config.useSingleServer().setAddress("rediss://" + Surroundings.HOST + ':' + Surroundings.PORT);
        if (Surroundings.CA_FILE != null) {
            config.setSslTrustManagerFactory(trust());
        }
        try (Provider provider = Provider.fromEnvironment();
                RedissonAuthentication authentication = RedissonAuthentication.of(provider)) {
            RedissonClient redisson = Redisson.create(authentication.configure(config));
            redisson.getAtomicLong("visits").incrementAndGet();
            System.out.println("Redisson: " + redisson.getAtomicLong("visits").get());
            redisson.shutdown();
        }
    }

    private static TrustManagerFactory trust() throws Exception {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(Surroundings.trusted());
        return factory;
    }
}
