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
        }
        callIfTold();
    }

    /** Calls it, if there is news: also what came when the process had no thread for it. */
    void callIfTold() {
        synchronized (this) {
            if (!hasNews || running || ended) {
                return;
            }
            running = true;
        }
        try {
            executor.execute(this::call);
        } catch (Throwable e) { // no memory for a thread: the news waits for another attempt
            synchronized (this) {
                running = false;
                notifyAll();
            }
            throw e;
        }
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
            Threads.guarded(() -> {
                Token newest = engine.valid();
                if (newest != null) {
                    consumer.accept(newest);
                }
            });
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
