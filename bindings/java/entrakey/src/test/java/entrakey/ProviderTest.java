package entrakey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.emulator.Emulator;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ProviderTest {
    /** {@code e30.<claims>.c2ln}: oid "me", expires in 2100. */
    private static final String TOKEN = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";
    private static final Duration SOON = Duration.ofSeconds(20);
    /** The next try would come after the time of whoever waits: how long the first may take is the machine's affair. */
    private static final Duration FIRST_FAILURE_IS_LAST = Duration.ofSeconds(30);

    private static Emulator azure;

    @BeforeAll
    static void start() throws IOException {
        azure = Emulator.start("--token-lifetime=8s");
    }

    @AfterAll
    static void stop() {
        azure.close();
    }

    private static ProviderBuilder application() {
        return application(azure);
    }

    private static ProviderBuilder application(Emulator azure) {
        ProviderBuilder builder = Provider.builder();
        azure.configuration().forEach(builder::set);
        return builder;
    }

    private static Provider supplying(TokenSource source) {
        return Provider.builder().tokenSource(source).build();
    }

    @Test
    void aTokenIsFetchedOnceAndThenComesFromMemory() {
        try (Provider provider = supplying(scope -> AccessToken.of(TOKEN))) {
            assertFalse(provider.current().isPresent());
            assertEquals(0, provider.version());
            Token token = provider.getToken();
            assertEquals("me", token.username());
            assertEquals(TOKEN, token.secret());
            assertEquals(TOKEN, new String(token.secretChars()));
            assertTrue(token.expiresAt().isAfter(Instant.now()) && token.refreshAt().isBefore(token.expiresAt()));
            assertSame(token, provider.getToken(), "no second copy of the same token");
            assertSame(token, provider.getTokenAsync().join());
            assertTrue(provider.getTokenForConnectAsync().isDone(), "what is in memory is there at once");
            assertEquals(token.version(), provider.version());
            provider.ready(Duration.ZERO);
        }
    }

    /** As sources do that keep tokens themselves: it is the same token, and more is known of its end. */
    @Test
    void aTokenThatItsSourceRepeatsHasTheExpiryThatTheSourceSaidLast() throws Exception {
        Instant sooner = Instant.now().plusSeconds(60);
        Instant later = sooner.plusSeconds(3600);
        AtomicReference<Instant> expiry = new AtomicReference<>(sooner);
        try (Provider provider = supplying(scope -> AccessToken.of("opaque").withUsername("someone").expiringAt(expiry.get()))) {
            assertNear(sooner, provider.getToken());
            assertNear(sooner, provider.current().get());
            expiry.set(later);
            provider.refresh();
            while (provider.status().counters().get("unchanged") == 0) { // the test's time-out ends it
                Thread.sleep(5);
            }
            assertEquals(1, provider.version());
            assertNear(later, provider.getToken());
            assertNear(later, provider.current().get());
            assertSame(provider.getToken(), provider.current().get(), "no second copy of the same token");
        }
    }

    private static void assertNear(Instant expected, Token token) {
        assertTrue(Duration.between(expected, token.expiresAt()).abs().getSeconds() < 5, token.toString());
    }

    @Test
    void anyNumberOfCallersCauseOneRequest() throws Exception {
        ExecutorService callers = Executors.newFixedThreadPool(100);
        // An emulator of its own: of the other tests' a request may be under way when its provider was closed.
        try (Emulator azure = Emulator.start();
                Provider provider = application(azure).build()) {
            List<Future<Token>> tokens =
                    IntStream.range(0, 100).mapToObj(i -> callers.submit(() -> provider.getToken())).collect(Collectors.toList());
            for (Future<Token> token : tokens) {
                assertEquals(azure.variable("ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID"), token.get().username());
            }
            assertEquals(1, azure.count("token_requests", "total"));
        } finally {
            callers.shutdown();
        }
    }

    @Test
    void aListenerGetsEachNewTokenOneAtATimeWithItsOwnClassLoader() throws Exception {
        BlockingQueue<Token> heard = new LinkedBlockingQueue<>();
        AtomicInteger inside = new AtomicInteger();
        AtomicReference<ClassLoader> loader = new AtomicReference<>();
        ClassLoader mine = new URLClassLoader(new URL[0], getClass().getClassLoader());
        ClassLoader before = Thread.currentThread().getContextClassLoader();
        Thread.currentThread().setContextClassLoader(mine);
        try (Provider provider = application().reauthSpread(0).build();
                Subscription subscription = provider.subscribe(token -> {
                    assertEquals(1, inside.incrementAndGet());
                    loader.set(Thread.currentThread().getContextClassLoader());
                    assertTrue(Thread.currentThread().isDaemon());
                    heard.add(token);
                    inside.decrementAndGet();
                    throw new IllegalStateException("a listener that fails is called again");
                })) {
            assertEquals(1, provider.getToken().version());
            assertEquals(2, heard.poll(20, TimeUnit.SECONDS).version(), "the first token replaces none");
            assertEquals(3, heard.poll(20, TimeUnit.SECONDS).version());
            assertSame(mine, loader.get());
            Connection connection = subscription.opened(1);
            connection.authenticated(1);
            assertTrue(connection.isBehind(2));
            assertEquals(1, provider.status().connections());
            connection.authenticated(3);
            Rejection rejection =
                    connection.refused(provider.version(), "WRONGPASS invalid username-password pair or user is disabled.").get();
            assertEquals("no_access_policy", rejection.reason());
            assertTrue(rejection.isRefusal() && rejection.explanation().contains("access policy"), rejection.toString());
            assertFalse(connection.refused(3, "LOADING Redis is loading the dataset in memory").get().isRefusal());
            connection.close();
            assertFalse(connection.refused(3, "WRONGPASS").isPresent());
            assertEquals(0, provider.status().connections());
            assertTrue(provider.status().counters().get("reauths_accepted") >= 1);
        } finally {
            Thread.currentThread().setContextClassLoader(before);
        }
    }

    @Test
    void aListenerThatEndsItselfDoesNotWaitForItselfAndAnotherIsWaitedFor() throws Exception {
        BlockingQueue<Boolean> ended = new ArrayBlockingQueue<>(1);
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch release = new CountDownLatch(1);
        AtomicReference<Subscription> own = new AtomicReference<>();
        try (Provider provider = application().reauthSpread(0).build()) {
            own.set(provider.subscribe(token -> {
                try {
                    ended.add(own.get().close(SOON));
                } catch (InterruptedException e) {
                    throw new AssertionError(e);
                }
            }));
            Subscription slow = provider.subscribe(token -> {
                entered.countDown();
                await(release);
            });
            provider.getToken();
            assertTrue(ended.poll(20, TimeUnit.SECONDS));
            await(entered);
            assertFalse(slow.close(Duration.ofMillis(20)), "its call is under way");
            release.countDown();
            assertTrue(slow.close(SOON), "closed already");
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void eventsComeInOrderAndWithoutSecrets() throws Exception {
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        try (Provider provider = application().name("mine").onEvent(events::add).build()) {
            Token token = provider.getToken();
            Event refreshed = events.poll(20, TimeUnit.SECONDS);
            assertEquals("token_refreshed", refreshed.name());
            assertEquals(Event.Level.INFO, refreshed.level());
            assertEquals(1, refreshed.version().getAsLong());
            assertFalse(refreshed.toString().contains(token.secret()));
        }
        for (Event event = events.poll(20, TimeUnit.SECONDS); ; event = events.poll(20, TimeUnit.SECONDS)) {
            if (event.name().equals("closed")) {
                return;
            }
        }
    }

    @Test
    void aFailureSaysWhatItIsAndWhatToDo() throws Exception {
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        try (Provider provider = application().clientSecret("not-the-one-of-this-application").onEvent(events::add).build()) {
            EntrakeyException error = assertThrows(EntrakeyException.class, provider::getToken);
            assertEquals(ErrorKind.AUTH_REJECTED, error.kind());
            assertEquals(7000215, error.aadsts().getAsInt());
            assertFalse(error.isRetriable());
            assertTrue(error.correlationId().isPresent() && error.httpStatus().getAsInt() == 401);
            assertFalse(error.toString().contains("not-the-one"), error.toString());
            CompletionException later = assertThrows(CompletionException.class, () -> provider.getTokenAsync().join());
            assertEquals(ErrorKind.AUTH_REJECTED, ((EntrakeyException) later.getCause()).kind());
            Event failed = events.poll(20, TimeUnit.SECONDS);
            assertEquals(ErrorKind.AUTH_REJECTED, failed.error().get().kind());
            assertEquals(ErrorKind.AUTH_REJECTED, provider.status().lastErrorKind().get());
            assertEquals(Status.State.FAILING, provider.status().state());
        }
    }

    @Test
    void aConfigurationThatMakesNoSenseIsRefusedAtOnce() {
        EntrakeyException unknown =
                assertThrows(EntrakeyException.class, () -> Provider.builder().set("clientid", "x").build());
        assertEquals(ErrorKind.INVALID_CONFIG, unknown.kind());
        assertTrue(unknown.getMessage().contains("\"client_id\""), unknown.getMessage());
        EntrakeyException broken =
                assertThrows(EntrakeyException.class, () -> Provider.builder().clientSecret("half a pair \ud800").build());
        assertEquals(ErrorKind.INVALID_CONFIG, broken.kind());
        assertFalse(broken.getMessage().contains("half a pair"), broken.getMessage());
        EntrakeyException negative =
                assertThrows(EntrakeyException.class, () -> application().requestTimeout(Duration.ofMillis(-5)).build());
        assertTrue(negative.getMessage().contains("request_timeout_ms"), negative.getMessage());
        EntrakeyException endless = assertThrows(
                EntrakeyException.class, () -> application().requestTimeout(ChronoUnit.FOREVER.getDuration()).build());
        assertTrue(endless.getMessage().contains("request_timeout_ms"), endless.getMessage());
        assertFalse(Provider.builder().clientSecret("hunter2").toString().contains("hunter2"));
    }

    @Test
    void aSourceIsHeardFailsAndMustNotAskItsOwnProvider() {
        AtomicReference<Provider> own = new AtomicReference<>();
        try (Provider provider = supplying(scope -> AccessToken.of(own.get().getToken().secret()))) {
            own.set(provider);
            EntrakeyException error = assertThrows(EntrakeyException.class, provider::getToken);
            assertEquals(ErrorKind.CALLBACK_FAILED, error.kind());
            assertTrue(error.getMessage().contains("wait for itself"), error.getMessage());
        }
        TokenSource broken = scope -> {
            throw new IOException("the vault is sealed");
        };
        try (Provider provider = Provider.builder().tokenSource(broken).retryInitial(FIRST_FAILURE_IS_LAST).build()) {
            EntrakeyException error = assertThrows(EntrakeyException.class, provider::getToken);
            assertEquals(ErrorKind.CALLBACK_FAILED, error.kind());
            assertTrue(error.getMessage().contains("the vault is sealed"), error.getMessage());
        }
        TokenSource endless = scope -> AccessToken.of("opaque").withUsername("someone").expiringAt(Instant.MAX);
        try (Provider provider = Provider.builder().tokenSource(endless).retryInitial(FIRST_FAILURE_IS_LAST).build()) {
            EntrakeyException error = assertThrows(EntrakeyException.class, provider::getToken);
            assertTrue(error.getMessage().contains("expiry"), error.getMessage());
        }
        try (Provider provider =
                supplying(scope -> AccessToken.of("opaque").withUsername("someone").expiringAt(Instant.now().plusSeconds(3600)))) {
            assertEquals("someone", provider.getToken().username());
        }
    }

    @Test
    void closeEndsWaitsAndLaterCallsSayThatItIsClosed() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch never = new CountDownLatch(1);
        Provider provider = supplying(scope -> {
            asked.countDown();
            await(never);
            return AccessToken.of(TOKEN);
        });
        CompletableFuture<Token> waiting = provider.getTokenAsync();
        await(asked);
        provider.close();
        provider.close();
        ExecutionException ended = assertThrows(ExecutionException.class, () -> waiting.get(20, TimeUnit.SECONDS));
        assertEquals(ErrorKind.CLOSED, ((EntrakeyException) ended.getCause()).kind());
        assertEquals(ErrorKind.CLOSED, assertThrows(EntrakeyException.class, provider::getToken).kind());
        assertEquals(ErrorKind.CLOSED, assertThrows(EntrakeyException.class, provider::refresh).kind());
        assertEquals(ErrorKind.CLOSED, assertThrows(EntrakeyException.class, () -> provider.subscribe(token -> {})).kind());
        assertEquals(Status.State.CLOSED, provider.status().state());
        assertEquals(0, provider.version());
        never.countDown();
    }

    @Test
    void whoIsInterruptedStopsWaitingAndStaysInterrupted() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        try (Provider provider = supplying(scope -> {
            await(never);
            return AccessToken.of(TOKEN);
        })) {
            Thread.currentThread().interrupt();
            assertThrows(CancellationException.class, provider::getToken);
            assertTrue(Thread.interrupted());
            EntrakeyException late =
                    assertThrows(EntrakeyException.class, () -> provider.getToken(Duration.ofMillis(30)));
            assertEquals(ErrorKind.TIMEOUT, late.kind());
        } finally {
            never.countDown();
        }
    }

    @Test
    void statusAndMetricsSayWhatItIsDoing() {
        try (Provider one = supplying(scope -> AccessToken.of(TOKEN));
                Provider two = application().name("two").build()) {
            one.getToken();
            Status status = one.status();
            assertTrue(status.isReady() && status.version() == 1 && status.validityLeft().isPresent());
            assertEquals(1L, status.counters().get("fetches"));
            assertEquals(0L, status.counters().get("reauths_rejected"));
            assertTrue(status.toJson().startsWith("{") && !status.toJson().contains(TOKEN));
            String page = Provider.metrics(one, two);
            assertTrue(page.contains("entrakey_token_expiry_timestamp_seconds") && page.contains("provider=\"two\""), page);
        }
    }

    @Test
    void nothingShowsASecretOrCanBeSerialized() {
        try (Provider provider = supplying(scope -> AccessToken.of(TOKEN))) {
            Token token = provider.getToken();
            for (Object object : new Object[] {provider, token, AccessToken.of(TOKEN), provider.status()}) {
                assertFalse(object.toString().contains(TOKEN), object.toString());
            }
            assertFalse(token.toString().contains("me,"), "an object id does not belong into logs");
            assertThrows(
                    java.io.NotSerializableException.class,
                    () -> new ObjectOutputStream(OutputStream.nullOutputStream()).writeObject(token));
        }
    }

    @Test
    void aProviderThatIsClosedAndForgottenIsFreed() {
        for (int round = 0; round < 200; round++) {
            try (Provider provider = supplying(scope -> AccessToken.of(TOKEN))) {
                assertEquals("me", provider.getToken().username());
            }
            if (round % 20 == 0) {
                System.gc();
            }
        }
    }

    @Test
    void whatLeavesThisMachineWithoutTlsIsRefused() {
        Connection.checkPlaintext("localhost", "use TLS");
        EntrakeyException error =
                assertThrows(EntrakeyException.class, () -> Connection.checkPlaintext("cache.example.com", "use TLS"));
        assertEquals(ErrorKind.INVALID_CONFIG, error.kind());
        assertTrue(error.getMessage().contains("cache.example.com") && error.getMessage().contains("use TLS"));
    }

    @Test
    void anOlderLibrarysSettingsAreTakenOver() {
        ProviderBuilder builder = application();
        String warning = new InheritedSettings()
                .add("request_timeout_ms", "tokenRequestExecTimeoutInMs", 100, 1000)
                .add("refresh_ratio", "expirationRefreshRatio", 0.75, 0.75)
                .applyTo(builder)
                .get();
        assertTrue(warning.contains("tokenRequestExecTimeoutInMs is 10000 instead of 100"), warning);
        assertNotEquals("", builder.toString());
        builder.build().close();
        assertNotSame(builder.build(), builder.build());
    }
}
