package entrakey;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a process that is short of threads, or whose handlers fail, must not do to a listener. */
@Timeout(60)
class ListenerTest {
    /** {@code e30.<claims>.c2ln}: oid "me", expires in 2100. */
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";

    @Test
    void aListenerForWhichThereWasNoThreadIsCalledLater() throws Exception {
        Provider owner = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
        Engine engine = new Engine(Native.open(new byte[0], true, false, false), scope -> AccessToken.of(TOKEN), null);
        engine.belongsTo(owner, null);
        engine.await(Engine.CONFIGURED, false);
        AtomicBoolean full = new AtomicBoolean(true);
        AtomicInteger calls = new AtomicInteger();
        Listener listener = new Listener(engine, token -> calls.incrementAndGet(), task -> {
            if (full.get()) {
                throw new OutOfMemoryError("unable to create native thread");
            }
            task.run();
        });
        assertThrows(OutOfMemoryError.class, listener::tell);
        assertTrue(listener.awaitReturn(0), "no call is under way");
        full.set(false);
        listener.callIfTold();
        assertEquals(1, calls.get());
        engine.close();
        owner.close();
    }

    /** {@code Provider.fromEnvironment().getToken()}: nothing refers to that provider while its caller waits. */
    @Test
    void aProviderIsNotForgottenWhileSomebodyWaitsForItsToken() {
        long before = Engine.lookMillis;
        Engine.lookMillis = 10;
        try {
            TokenSource slow = scope -> {
                Thread.sleep(300); // many looks
                return AccessToken.of(TOKEN);
            };
            Engine engine = new Engine(Native.open(new byte[0], true, false, false), slow, null);
            engine.belongsTo(null, null);
            assertEquals("me", engine.await(Engine.CONFIGURED, false).username());
            engine.close();
        } finally {
            Engine.lookMillis = before;
        }
    }

    @Test
    void aHandlerOfUncaughtExceptionsThatThrowsEndsNothing() {
        Thread thread = Thread.currentThread();
        Thread.UncaughtExceptionHandler before = thread.getUncaughtExceptionHandler();
        thread.setUncaughtExceptionHandler((where, what) -> {
            throw new IllegalStateException("as a defect might");
        });
        try {
            assertDoesNotThrow(() -> Threads.guarded(() -> {
                throw new IllegalArgumentException("a listener's");
            }));
        } finally {
            thread.setUncaughtExceptionHandler(before);
        }
    }

    @Test
    void aSubscriptionCanBeWaitedForWithoutALimit() throws Exception {
        try (Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build()) {
            assertTrue(provider.subscribe(token -> {}).close(ChronoUnit.FOREVER.getDuration()));
        }
    }
}
