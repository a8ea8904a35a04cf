package peers;

import java.io.File;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Where the Redis is, whom it trusts and who the client is; and what both clients are held to. */
record Surroundings(String host, int port, File caFile, String username, String token) {
    static final int MANY = 100;
    /** Jedis's own 2 s are less than a busy machine takes. */
    static final int PATIENT_MILLIS = 20_000;
    private static final int SLOTS = 16384;
    /** A key in every 32 slots, so that no node is left out. */
    private static final int SLOTS_PER_KEY = 32;

    static Surroundings fromEnvironment() {
        return new Surroundings(
                variable("REDIS_HOST"),
                Integer.parseInt(variable("REDIS_PORT")),
                new File(variable("REDIS_CA_FILE")),
                variable("REDIS_USERNAME"),
                variable("REDIS_TOKEN"));
    }

    private static String variable(String name) {
        String value = System.getenv(name);
        if (value == null) throw new IllegalArgumentException(name + " is not set");
        return value;
    }

    /** The host itself, if it is loopback's. */
    static String loopback(String host) {
        try {
            boolean address = Character.isDigit(host.charAt(0)); // only a name would be looked up
            if (host.equals("localhost") || (address && InetAddress.getByName(host).isLoopbackAddress())) return host;
        } catch (UnknownHostException notAnAddress) {
            throw new IllegalStateException(notAnAddress);
        }
        throw new IllegalStateException(host + " is not loopback");
    }

    static void same(String what, Object expected, Object actual) {
        if (!expected.equals(actual)) {
            throw new IllegalStateException(what + ": " + actual + " instead of " + expected);
        }
    }

    /** One key for each stretch of slots. */
    static List<String> spread(ToIntFunction<String> slotOf) {
        String[] found = new String[SLOTS / SLOTS_PER_KEY];
        int missing = found.length;
        for (int i = 0; missing > 0; i++) {
            String key = "peers:java:" + i;
            int stretch = slotOf.applyAsInt(key) / SLOTS_PER_KEY;
            if (found[stretch] == null) {
                found[stretch] = key;
                missing--;
            }
        }
        return new ArrayList<>(List.of(found));
    }
}
