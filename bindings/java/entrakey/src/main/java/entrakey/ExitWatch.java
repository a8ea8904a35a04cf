package entrakey;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Java waits at its end for threads that are inside native code, 0.3 seconds for those of ours. So they come out when the end begins, and
 * look again and again from then on: the program's own shutdown hooks may still need tokens.
 */
final class ExitWatch {
    private static final long LOOK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final Thread hook;
    private volatile boolean ending;

    /** Begins to watch. */
    ExitWatch(Native provider) {
        hook = Threads.unstarted("entrakey-exit", ExitWatch.class.getClassLoader(), () -> {
            ending = true;
            provider.wake();
        });
        try {
            Runtime.getRuntime().addShutdownHook(hook);
        } catch (IllegalStateException e) { // it has begun
            ending = true;
        } catch (SecurityException e) {
            // nobody says when: then it takes those 0.3 seconds
        }
    }

    /** {@return how long a thread may stay inside the library now} */
    long patience(long millis) {
        if (!ending) {
            return millis;
        }
        LockSupport.parkNanos(LOOK_NANOS);
        return 0;
    }

    /** Ends it, so that nothing keeps a web application's class loader. */
    void end() {
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException | SecurityException e) {
            // Java ends, or it is none of those that are called
        }
    }
}
