package entrakey;

import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** One listener for new tokens: called by one thread at a time, and always with the newest token. */
final class Listener {
    private final Engine engine;
    private final Consumer<? super Token> consumer;
    private final Executor executor;
    private final ClassLoader loader = Thread.currentThread().getContextClassLoader();
    /** What follows is guarded by this. */
    private boolean hasNews;
    private Thread caller;
    private boolean running;
    private boolean ended;

    Listener(Engine engine, Consumer<? super Token> consumer, Executor executor) {
        this.engine = engine;
        this.consumer = consumer;
        this.executor = executor;
    }

    /** There is a newer token. */
    void tell() {
        synchronized (this) {
            hasNews = true;
            if (running || ended) {
                return;
            }
            running = true;
        }
        executor.execute(this::call);
    }

    synchronized void end() {
        ended = true;
    }

    /** Waits until no call is under way; false if the time was over first. At once inside the call itself. */
    synchronized boolean awaitReturn(long nanos) throws InterruptedException {
        long deadline = System.nanoTime() + nanos;
        while (running && caller != Thread.currentThread()) {
            long left = deadline - System.nanoTime();
            if (left <= 0) {
                return false;
            }
            wait(left / 1_000_000 + 1);
        }
        return true;
    }

    private void call() {
        Thread.currentThread().setContextClassLoader(loader);
        while (takeNews()) {
            Token newest = engine.valid();
            if (newest != null) {
                Threads.guarded(() -> consumer.accept(newest));
            }
        }
    }

    private synchronized boolean takeNews() {
        running = hasNews && !ended;
        caller = running ? Thread.currentThread() : null;
        hasNews = false;
        notifyAll();
        return running;
    }
}
