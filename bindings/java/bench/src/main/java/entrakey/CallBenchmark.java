package entrakey;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** What a call costs, beside a native call that does nothing. In the package of the library, so that it can call its parts. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CallBenchmark {
    /** As long as Entra's tokens for Redis are. */
    private static final int TOKEN_LENGTH = 1800;

    private Native library;
    private Provider provider;
    private byte[] parts;

    /** A provider with a token in memory. */
    @Setup
    public void start() {
        String filler = "x".repeat(TOKEN_LENGTH * 3 / 4);
        String claims = "{\"oid\":\"11111111-0000-4000-8000-000000000001\",\"exp\":4102444800,\"filler\":\"" + filler + "\"}";
        String secret = "e30." + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8)) + ".c2ln";
        library = Native.open(new byte[0], true, false, false);
        provider = new Provider(library, scope -> AccessToken.of(secret), null, null);
        provider.getToken();
        parts = ("11111111-0000-4000-8000-000000000001" + secret).getBytes(StandardCharsets.ISO_8859_1);
    }

    /** Ends it. */
    @TearDown
    public void stop() {
        provider.close();
    }

    /** {@return nothing of use: the floor} */
    @Benchmark
    public int nativeCallThatDoesNothing() {
        return Native.interfaceNumber();
    }

    /** {@return the version} */
    @Benchmark
    public long version() {
        return provider.version();
    }

    /** {@return the token in memory} */
    @Benchmark
    public Token cachedToken() {
        return provider.getToken();
    }

    /** {@return the token in memory, however little is left of it} */
    @Benchmark
    public Token current() {
        return provider.current().get();
    }

    /** {@return a new copy of the token out of the library, which each token needs once} */
    @Benchmark
    public Token copy() {
        return Token.of(library.usable());
    }

    /** {@return what of a copy is Java's own: two texts out of bytes} */
    @Benchmark
    public String allocation() {
        byte[] bytes = parts.clone();
        String username = new String(bytes, 0, 36, StandardCharsets.UTF_8);
        String secret = new String(bytes, 36, bytes.length - 36, StandardCharsets.UTF_8);
        return username.length() > 0 ? secret : username;
    }
}
