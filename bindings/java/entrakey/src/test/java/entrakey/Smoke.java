package entrakey;

import entrakey.emulator.Emulator;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Paths;
import java.security.Permission;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/** Small programs, each in a process of its own; the first argument says which. */
public final class Smoke {
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";
    private static final int VIRTUAL_THREADS = 300;
    private static final int TICKS = 20;

    private Smoke() {}

    public static void main(String[] arguments) throws Exception {
        switch (arguments[0]) {
            case "token":
                System.out.println(supplying().getToken().username());
                break;
            case "fails":
                fails();
                break;
            case "exit-in-listener":
                exitInListener();
                break;
            case "ends-while-waiting":
                endsWhileWaiting();
                break;
            case "virtual-threads":
                virtualThreads();
                break;
            case "two-loaders":
                twoLoaders();
                break;
            case "unload":
                unload();
                break;
            case "at-the-end":
                atTheEnd();
                break;
            case "no-hooks":
                withoutHooks();
                break;
            case "no-emulator":
                noEmulator();
                break;
            case "forgotten":
                forgotten();
                break;
            default:
                throw new IllegalArgumentException(arguments[0]);
        }
    }

    /** Called by reflection from another class loader too. */
    public static Provider supplying() {
        return Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).build();
    }

    private static void fails() {
        try {
            supplying();
        } catch (EntrakeyException e) {
            System.out.println(e.kind() + ": " + e.getMessage());
        }
    }

    /** As a server that lets its applications do little. Newer Javas have no such thing any more. */
    @SuppressWarnings("removal")
    private static void withoutHooks() {
        try {
            System.setSecurityManager(new SecurityManager() {
                @Override
                public void checkPermission(Permission permission) {
                    if (permission.getName().equals("shutdownHooks")) {
                        throw new SecurityException("shutdown hooks are not permitted");
                    }
                }
            });
        } catch (UnsupportedOperationException e) {
            System.err.println(e.getMessage());
        }
        try (Provider provider = supplying()) {
            System.out.println(provider.getToken().username());
        }
    }

    private static void noEmulator() {
        try {
            Emulator.start();
        } catch (IOException e) {
            System.out.println(e.getMessage());
        }
    }

    /** The environment is the emulator's, with tokens of seconds. */
    private static void exitInListener() throws InterruptedException {
        Provider provider = Provider.builder().identity("managed_identity").reauthSpread(0).build();
        provider.subscribe(token -> System.exit(7));
        provider.getToken();
        new CountDownLatch(1).await();
    }

    private static void endsWhileWaiting() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        Provider provider = Provider.builder()
                .tokenSource(scope -> {
                    asked.countDown();
                    new CountDownLatch(1).await();
                    return null;
                })
                .onEvent(event -> {})
                .build();
        provider.subscribe(token -> {});
        provider.getTokenAsync();
        asked.await();
    }

    /** Java waits for threads that are inside native code: when it ends none of ours may stay there, and tokens come all the same. */
    private static void atTheEnd() throws InterruptedException {
        Provider provider = Provider.builder().tokenSource(scope -> AccessToken.of(TOKEN)).onEvent(event -> {}).build();
        provider.getToken();
        while (insideTheLibrary() < 2) { // for messages and for events
            Thread.sleep(5);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            while (insideTheLibrary() > 0) { // the process's time-out ends it
                Thread.yield();
            }
            System.out.println("none is inside, and " + supplying().getToken().username() + " has a token");
        }));
    }

    private static long insideTheLibrary() {
        return Thread.getAllStackTraces().values().stream()
                .filter(frames -> frames.length > 0 && frames[0].getClassName().equals("entrakey.Native"))
                .count();
    }

    /** Threads that wait for a token must leave the carriers to others: one that ticks meanwhile must get its turns. */
    private static void virtualThreads() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        AtomicInteger got = new AtomicInteger();
        Provider provider = Provider.builder()
                .tokenSource(scope -> {
                    release.await();
                    return AccessToken.of(TOKEN);
                })
                .build();
        CountDownLatch waiting = new CountDownLatch(VIRTUAL_THREADS);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < VIRTUAL_THREADS; i++) {
            threads.add(virtual(() -> {
                waiting.countDown();
                provider.getToken(Duration.ofSeconds(30));
                got.incrementAndGet();
            }));
        }
        CountDownLatch ticks = new CountDownLatch(TICKS);
        Thread ticking = virtual(() -> {
            await(waiting);
            while (ticks.getCount() > 0) {
                ticks.countDown();
                Thread.yield();
            }
        });
        ticking.join(); // hangs if no carrier is left, as the token comes afterwards
        release.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println(got + " tokens, " + ticks.getCount() + " ticks missing");
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** {@code Thread.startVirtualThread}, which the Java that compiles the tests may not have. */
    private static Thread virtual(Runnable task) throws ReflectiveOperationException {
        Method start = Thread.class.getMethod("startVirtualThread", Runnable.class);
        return (Thread) start.invoke(null, task);
    }

    private static void twoLoaders() throws Exception {
        for (int i = 0; i < 2; i++) {
            // Without a parent that knows entrakey, as a web application's.
            ClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader());
            Object provider = loader.loadClass("entrakey.Smoke").getMethod("supplying").invoke(null);
            Object token = provider.getClass().getMethod("getToken").invoke(provider);
            System.out.println(token.getClass().getMethod("username").invoke(token));
        }
    }

    /** Providers that are neither closed nor used any more: some have threads, some were never asked. All are freed. */
    private static void forgotten() throws InterruptedException {
        Engine.lookMillis = 20;
        for (int i = 0; i < 20; i++) {
            Provider.builder().identity("managed_identity").build();
            Provider.builder().identity("managed_identity").onEvent(event -> {}).build(); // nobody asks it for a token
            Provider listening = Provider.builder()
                    .tokenSource(scope -> AccessToken.of(TOKEN))
                    .onEvent(event -> {})
                    .build();
            listening.subscribe(token -> {});
            listening.getToken();
        }
        Reclaimer reclaimer = NativeLibrary.loaded().reclaimer();
        while (reclaimer.watched() > 0 || threads() > 0) { // the process's time-out ends it
            System.gc();
            Thread.sleep(20);
            reclaimer.reclaim();
        }
        System.out.println("all freed");
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("entrakey-messages") || thread.getName().equals("entrakey-events"))
                .count();
    }

    /** As a web application that is deployed anew: its class loader goes when its provider was closed, and the next one works. */
    private static void unload() throws Exception {
        WeakReference<ClassLoader> application = deploy();
        while (application.get() != null) { // the process's time-out ends it
            System.gc();
            Thread.sleep(20);
        }
        System.out.println("unloaded");
        deploy();
        System.out.println("deployed anew");
    }

    private static WeakReference<ClassLoader> deploy() throws Exception {
        ClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader());
        AutoCloseable provider = (AutoCloseable) loader.loadClass("entrakey.Smoke").getMethod("supplying").invoke(null);
        provider.getClass().getMethod("getToken").invoke(provider);
        provider.close();
        return new WeakReference<>(loader);
    }

    private static URL[] classPath() throws Exception {
        List<URL> path = new ArrayList<>();
        for (String part : System.getProperty("java.class.path").split(System.getProperty("path.separator"))) {
            path.add(Paths.get(part).toUri().toURL());
        }
        return path.toArray(new URL[0]);
    }
}
