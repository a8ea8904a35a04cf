package entrakey;

import java.util.concurrent.Executor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Threads that keep no program from ending. */
final class Threads {
    /** How long a thread of a pool waits for more to do. */
    private static final long IDLE_SECONDS = 10;

    private Threads() {}

    static void start(String name, ClassLoader loader, Runnable task) {
        unstarted(name, loader, task).start();
    }

    static Thread unstarted(String name, ClassLoader loader, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.setContextClassLoader(loader);
        return thread;
    }

    /** Threads for callbacks of the program's, as many as block at a time; none while there is nothing to do. */
    static Executor executor(String name) {
        return new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE_SECONDS, TimeUnit.SECONDS, new SynchronousQueue<>(),
                task -> unstarted(name, Threads.class.getClassLoader(), task));
    }

    /** Runs a callback of the program's; what it throws goes to the thread's handler of uncaught exceptions, and nothing ends. */
    static void guarded(Runnable callback) {
        try {
            callback.run();
        } catch (Throwable e) {
            Thread thread = Thread.currentThread();
            try {
                thread.getUncaughtExceptionHandler().uncaughtException(thread, e);
            } catch (Throwable ignored) {
                // as Java does with what such a handler throws: this thread has others to serve
            }
        }
    }
}
