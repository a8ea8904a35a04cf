package entrakey.redisson;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * When connections authenticate again. Redisson asks for a connection's next moment after it has connected: a token that was announced
 * between its credentials and that question must not be missed.
 */
final class Renewals {
    /** What follows is guarded by this: the version that connections are to have, and when to have the next one. */
    private long announced;
    private CompletableFuture<Void> next = new CompletableFuture<>();
    /** How many credentials of an older version were given and not followed by their question yet. */
    private int behind;
    /** The same of the version that is the newest. */
    private int asking;

    /** A connection gets the credentials of this version. */
    synchronized void resolved(long version) {
        if (version < announced) {
            behind++;
        } else {
            asking++;
        }
    }

    /** When the connection that asks now is to authenticate again: at once, if it may be one that missed the news. */
    synchronized CompletionStage<Void> next() {
        if (behind > 0) {
            behind--;
            return CompletableFuture.completedFuture(null);
        }
        if (asking > 0) {
            asking--;
        }
        return next;
    }

    /** It is time for the token of this version. */
    void announce(long version) {
        CompletableFuture<Void> now;
        synchronized (this) {
            announced = version;
            now = next;
            next = new CompletableFuture<>(); // before `now` completes: whoever then asks waits for the token after this one
            // Connections that are being made with the older one. Those that fail never ask: what is left of an earlier
            // announcement is forgotten, and costs a connection one AUTH more than it needs.
            behind = asking;
            asking = 0;
        }
        now.complete(null);
    }
}
