package examples;

import entrakey.Provider;
import entrakey.lettuce.LettuceAuthentication;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.concurrent.TimeUnit;

/**
 * One Lettuce connection that reads and writes while its token is replaced under it: {@code Live SECONDS}. Prints one line of JSON every
 * half second: commands, errors and reconnects so far.
 */
public final class Live {
    private static final long PAUSE_MILLIS = 20;
    private static final long REPORT_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

    private int commands;
    private int errors;
    private int reconnects;

    private Live() {}

    public static void main(String[] arguments) throws InterruptedException {
        long during = (long) (Double.parseDouble(arguments[0]) * 1e9);
        Live live = new Live();
        try (Provider provider = Provider.fromEnvironment();
                LettuceAuthentication authentication = LettuceAuthentication.of(provider)) {
            RedisURI uri = RedisURI.builder().withHost(Surroundings.HOST).withPort(Surroundings.PORT).withSsl(true).build();
            RedisClient client = RedisClient.create(authentication.configure(uri));
            client.setOptions(authentication.configure(ClientOptions.builder()
                    .sslOptions(SslOptions.builder().jdkSslProvider().trustManager(Surroundings.CA_FILE).build())
                    .build()));
            live.run(client.connect().sync(), during);
            client.shutdown();
        }
        System.exit(live.errors + live.reconnects > 0 ? 1 : 0);
    }

    private void run(RedisCommands<String, String> redis, long during) throws InterruptedException {
        long connection = redis.clientId();
        long reported = System.nanoTime();
        for (long end = reported + during; System.nanoTime() < end; Thread.sleep(PAUSE_MILLIS)) {
            try {
                String value = Integer.toString(commands);
                redis.set("lettuce", value);
                errors += value.equals(redis.get("lettuce")) ? 0 : 1;
                long now = redis.clientId();
                reconnects += now == connection ? 0 : 1;
                connection = now;
                commands += 3;
            } catch (RuntimeException e) {
                errors++;
                System.err.println("lettuce: " + e);
            }
            if (System.nanoTime() - reported > REPORT_NANOS) {
                report();
                reported = System.nanoTime();
            }
        }
        report();
    }

    private void report() {
        System.out.printf("{\"commands\": %d, \"errors\": %d, \"reconnects\": %d}%n", commands, errors, reconnects);
    }
}
