package peers;

import java.util.List;

/**
 * Stock Jedis and Lettuce against the emulator: {@code java peers.Main jedis|lettuce standalone|cluster}.
 *
 * <p>Address, certificate and credentials come from REDIS_HOST, REDIS_PORT, REDIS_CA_FILE, REDIS_USERNAME and
 * REDIS_TOKEN. Prints the number of commands that it checked; the first that goes wrong ends it.
 */
final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        Surroundings surroundings = Surroundings.fromEnvironment();
        int checked = switch (List.of(arguments).toString()) {
            case "[jedis, standalone]" -> JedisPeer.standalone(surroundings);
            case "[jedis, cluster]" -> JedisPeer.cluster(surroundings);
            case "[lettuce, standalone]" -> LettucePeer.standalone(surroundings);
            case "[lettuce, cluster]" -> LettucePeer.cluster(surroundings);
            default -> throw new IllegalArgumentException("usage: jedis|lettuce standalone|cluster");
        };
        System.out.println(checked);
        System.exit(0); // whatever threads a client keeps
    }
}
