package entrakey.tests;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Messages with a number each: how many were published, and which of them a subscriber has heard. */
final class Sequence {
    final String channel;
    private final AtomicInteger published = new AtomicInteger();
    private final Set<String> heard = ConcurrentHashMap.newKeySet();

    Sequence(String channel) {
        this.channel = channel;
    }

    String next() {
        return Integer.toString(published.incrementAndGet());
    }

    void hear(String message) {
        heard.add(message);
    }

    int published() {
        return published.get();
    }

    int lost() {
        return published.get() - heard.size();
    }

    @Override
    public String toString() {
        String missing = IntStream.rangeClosed(1, published.get())
                .mapToObj(Integer::toString)
                .filter(number -> !heard.contains(number))
                .collect(Collectors.joining(", "));
        return channel + ": " + heard.size() + " of " + published + " messages" + (missing.isEmpty() ? "" : ", lost " + missing);
    }
}
