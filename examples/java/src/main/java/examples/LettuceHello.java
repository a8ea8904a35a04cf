package examples;

import entrakey.Provider;
import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;

/** Lettuce, one server. The identity comes from the environment. */
public final class LettuceHello {
    private LettuceHello() {}

    public static void main(String[] arguments) {
        SslOptions.Builder ssl = SslOptions.builder().jdkSslProvider();
        if (Surroundings.CA_FILE != null) {
            ssl.trustManager(Surroundings.CA_FILE);
        }
        try (Provider provider = Provider.fromEnvironment();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            RedisURI uri = RedisURI.builder().withHost(Surroundings.HOST).withPort(Surroundings.PORT).withSsl(true).build();
            RedisClient client = RedisClient.create(authentication.configure(uri));
            client.setOptions(authentication.configure(ClientOptions.builder().sslOptions(ssl.build()).build()));
            authentication.observe(client);
            System.out.println("Lettuce: " + client.connect().sync().ping());
            client.shutdown();
        }
    }
}
