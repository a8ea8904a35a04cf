package peers;

import static peers.Surroundings.same;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** The story of tests/proxy/clients.py: through the proxy, with a static password. */
final class Rounds {
    /** A static password, as in the settings of many programs. */
    static final String PASSWORD = "a-dummy";

    private static final int PIPELINE = 500;
    private static final long PATIENCE_S = 20;

    /** What a library is asked for. */
    interface Library {
        void delete(String key) throws Exception;

        String set(String key, String value) throws Exception;

        String get(String key) throws Exception;

        List<String> echo(List<String> values) throws Exception;

        long publish(String channel, String message) throws Exception;

        void push(String list, String value) throws Exception;

        /** Null if nothing came in time. */
        String pop(String list, long seconds) throws Exception;

        /** Returns when it is subscribed; a subscription that ends is an error. */
        void subscribe(String channel, Consumer<String> heed) throws Exception;
    }

    private Rounds() {}

    static int run(Library library) throws Exception {
        String name = System.getenv("NAME");
        String heard = "heard:" + name;
        library.delete(heard);
        library.subscribe("news:" + name, message -> orEnd(() -> library.push(heard, message)));
        AtomicBoolean over = untilInputEnds();
        int rounds = 0;
        while (!over.get()) {
            String value = Integer.toString(rounds);
            same("SET", "OK", library.set("key:" + name, value));
            same("GET", value, library.get("key:" + name));
            List<String> values =
                    IntStream.range(0, PIPELINE).mapToObj(i -> value + "." + i).toList();
            same("pipeline", values, library.echo(values));
            same("PUBLISH", 1L, library.publish("news:" + name, value));
            same("BLPOP", value, library.pop(heard, PATIENCE_S));
            same("BLPOP of nothing", "null", String.valueOf(library.pop("nothing:" + name, 1)));
            if (++rounds == 1) System.out.println("ready");
        }
        return rounds;
    }

    interface Step {
        void run() throws Exception;
    }

    static void orEnd(Step step) {
        try {
            step.run();
        } catch (Exception error) {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
        }
    }

    static AtomicBoolean untilInputEnds() {
        AtomicBoolean over = new AtomicBoolean();
        Thread waiting = new Thread(() -> {
            try {
                System.in.readAllBytes();
            } catch (IOException ended) {
                // as good as its end
            }
            over.set(true);
        });
        waiting.setDaemon(true);
        waiting.start();
        return over;
    }
}
