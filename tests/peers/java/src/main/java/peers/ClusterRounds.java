package peers;

import static peers.Surroundings.same;

import java.util.Collection;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;

/** The story of tests/proxy/test_cluster.py: through the proxy, with a static password. */
final class ClusterRounds {
    private static final int KEYS_OF_ALL_NODES = 20;

    /** What a library is asked for. */
    interface Library {
        String set(String key, String value);

        String get(String key);

        /** Where it believes the nodes to be: host:port. */
        Collection<String> places();
    }

    private ClusterRounds() {}

    static void run(Library library) {
        AtomicBoolean over = Rounds.untilInputEnds();
        int rounds = 0;
        while (!over.get()) {
            String value = Integer.toString(rounds);
            for (int i = 0; i < KEYS_OF_ALL_NODES; i++) {
                String key = System.getenv("NAME") + ":" + i;
                same("SET " + key, "OK", library.set(key, value));
                same("GET " + key, value, library.get(key));
            }
            System.out.println(++rounds);
        }
        String places = library.places().stream()
                .sorted()
                .map(place -> '"' + place + '"')
                .collect(Collectors.joining(", ", "[", "]"));
        System.out.printf("{\"rounds\": %d, \"places\": %s}%n", rounds, places);
    }
}
