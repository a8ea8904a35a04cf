package peers;

import java.util.List;

/**
 * Stock Jedis and Lettuce against the emulator: {@code java peers.Main jedis|lettuce standalone|cluster}.
 *
 * <p>Address, certificate and credentials come from REDIS_HOST, REDIS_PORT, REDIS_CA_FILE, REDIS_USERNAME and
 * REDIS_TOKEN. Prints the number of commands that it checked; the first that goes wrong ends it.
 *
 * <p>{@code java peers.Main jedis|lettuce rounds|cluster-rounds} goes through the proxy: REDIS_HOST and REDIS_PORT are all
 * that it is told.
 *
 * <p>{@code java peers.Main msal token} prints a token of the managed identity that the environment has.
 */
final class Main {
    private Main() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length == 2 && arguments[1].equals("rounds")) {
            System.out.printf("{\"rounds\": %d}%n", Rounds.run(library(arguments[0])));
            System.exit(0); // the subscriber still listens
        }
        if (arguments.length == 2 && arguments[1].equals("cluster-rounds")) {
            ClusterRounds.run(ofCluster(arguments[0]));
            System.exit(0);
        }
        if (List.of(arguments).equals(List.of("msal", "token"))) {
            System.out.println(Msal.token(System.getenv("USER_ASSIGNED_CLIENT_ID")));
            System.exit(0);
        }
        Surroundings surroundings = Surroundings.fromEnvironment();
        int checked = switch (List.of(arguments).toString()) {
            case "[jedis, standalone]" -> JedisPeer.standalone(surroundings);
            case "[jedis, cluster]" -> JedisPeer.cluster(surroundings);
            case "[lettuce, standalone]" -> LettucePeer.standalone(surroundings);
            case "[lettuce, cluster]" -> LettucePeer.cluster(surroundings);
            default -> throw new IllegalArgumentException("usage: jedis|lettuce standalone|cluster|rounds|cluster-rounds");
        };
        System.out.println(checked);
        System.exit(0); // whatever threads a client keeps
    }

    private static Rounds.Library library(String name) {
        String host = System.getenv("REDIS_HOST");
        int port = Integer.parseInt(System.getenv("REDIS_PORT"));
        return switch (name) {
            case "jedis" -> new JedisRounds(host, port);
            case "lettuce" -> new LettuceRounds(host, port);
            default -> throw new IllegalArgumentException("usage: jedis|lettuce rounds");
        };
    }

    private static ClusterRounds.Library ofCluster(String name) {
        int port = Integer.parseInt(System.getenv("REDIS_PORT"));
        return switch (name) {
            case "jedis" -> new JedisClusterRounds(port);
            case "lettuce" -> new LettuceClusterRounds(port);
            default -> throw new IllegalArgumentException("usage: jedis|lettuce cluster-rounds");
        };
    }
}
