package entrakey.tests;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** One way to use a client, again and again, and what went wrong with it. */
final class Use {
    /** Between two rounds: a client that is never idle is another test. */
    private static final long PAUSE_MILLIS = 20;

    /** One round. */
    interface Round {
        void run(int number) throws Exception;
    }

    final String name;
    final List<String> errors = new CopyOnWriteArrayList<>();
    final AtomicInteger rounds = new AtomicInteger();
    private final Round round;

    Use(String name, Round round) {
        this.name = name;
        this.round = round;
    }

    Thread start(long endNanos) {
        Thread thread = new Thread(() -> run(endNanos), name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void run(long endNanos) {
        while (System.nanoTime() < endNanos) {
            try {
                round.run(rounds.incrementAndGet());
            } catch (Exception | AssertionError e) {
                errors.add("round " + rounds + ": " + e + (e.getCause() == null ? "" : " by " + e.getCause()));
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    @Override
    public String toString() {
        return name + ": " + rounds + " rounds, " + errors.size() + " errors"
                + (errors.isEmpty() ? "" : ", first " + errors.get(0) + ", last " + errors.get(errors.size() - 1));
    }
}
