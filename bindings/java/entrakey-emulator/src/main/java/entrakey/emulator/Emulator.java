package entrakey.emulator;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * Azure on loopback, for tests: Entra, the managed identity endpoints and a Redis that checks tokens.
 *
 * <pre>{@code
 * try (Emulator azure = Emulator.start("--token-lifetime=8s")) {
 *     ProviderBuilder builder = Provider.builder();
 *     azure.configuration().forEach(builder::set);
 *     …
 * }
 * }</pre>
 *
 * <p>It runs the command {@code entrakey emulator}, which the environment variable ENTRAKEY_BIN names, or PATH has. It ends with
 * {@link #close}, and at the latest with this process.
 */
public final class Emulator implements AutoCloseable {
    private static final String COMMAND = "ENTRAKEY_BIN";
    private static final int STOP_SECONDS = 10;
    private static final int ANSWER_MILLIS = 10_000;
    private static final Pattern MEMBER = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final Process process;
    private final Map<String, String> environment;

    private Emulator(Process process, Map<String, String> environment) {
        this.process = process;
        this.environment = environment;
    }

    /**
     * Runs {@code entrakey emulator} with these arguments on free ports, and waits until it answers.
     *
     * @param arguments as {@code entrakey emulator --help} lists them
     * @return the running emulator
     * @throws IOException if it does not start
     */
    public static Emulator start(String... arguments) throws IOException {
        String named = System.getenv(COMMAND);
        List<String> line = new ArrayList<>();
        line.add(named == null || named.isEmpty() ? "entrakey" : named);
        line.addAll(Arrays.asList("emulator", "--format=json", "--exit-with-parent", "--quiet"));
        line.addAll(Arrays.asList(arguments));
        File errors = File.createTempFile("entrakey-emulator", ".log");
        Process process = run(new ProcessBuilder(line).redirectError(errors));
        InputStreamReader output = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8);
        String said = new BufferedReader(output).readLine();
        if (said == null) {
            process.destroy();
            String error = new String(Files.readAllBytes(errors.toPath()), StandardCharsets.UTF_8);
            throw new IOException(String.join(" ", line) + " did not start: " + error.trim());
        }
        errors.delete();
        return new Emulator(process, members(said));
    }

    private static Process run(ProcessBuilder builder) throws IOException {
        try {
            return builder.start();
        } catch (IOException e) {
            throw new IOException(
                    "The command " + builder.command().get(0) + " cannot be run: install entrakey-cli (by pip or npm), or name it by the"
                            + " environment variable " + COMMAND + '.',
                    e);
        }
    }

    /**
     * {@return a variable of the environment that points a program at it}
     *
     * @param name REDIS_HOST, for instance
     */
    public String variable(String name) {
        String value = environment.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the emulator has no variable " + name);
        }
        return value;
    }

    /** {@return all variables: of a virtual machine, and of an application with a secret} */
    public Map<String, String> environment() {
        return environment;
    }

    /**
     * {@return the environment of a place: {@code imds}, {@code app_service}, …}
     *
     * @param place as {@code entrakey emulator --help} lists them
     * @throws IOException if it does not answer
     */
    public Map<String, String> environment(String place) throws IOException {
        return members(control("GET", "/emulator/environment/" + place, null));
    }

    /** {@return the host of its Redis} */
    public String redisHost() {
        return variable("REDIS_HOST");
    }

    /** {@return the port of its Redis, which speaks TLS only} */
    public int redisPort() {
        return Integer.parseInt(variable("REDIS_PORT"));
    }

    /** {@return the file with the certificate that vouches for its Redis and its Entra} */
    public File certificateAuthority() {
        return new File(variable("REDIS_CA_FILE"));
    }

    /**
     * {@return what trusts its Redis and its Entra, for clients that take a factory}
     *
     * @throws IOException if the certificate cannot be read
     * @throws GeneralSecurityException if this Java cannot use it
     */
    public TrustManagerFactory trust() throws IOException, GeneralSecurityException {
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(keyStore());
        return factory;
    }

    /**
     * {@return a file with the same, for clients that take a trust store}
     *
     * @param password of the file
     * @throws IOException if it cannot be written
     * @throws GeneralSecurityException if this Java cannot use the certificate
     */
    public File trustStore(char[] password) throws IOException, GeneralSecurityException {
        Path folder = Paths.get(variable("ENTRAKEY_EMULATOR_DIRECTORY"));
        Path file = folder.resolve("trust-" + KeyStore.getDefaultType());
        Path whole = Files.createTempFile(folder, "trust-", null);
        try (OutputStream written = Files.newOutputStream(whole)) {
            keyStore().store(written, password);
        }
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE); // a client may be reading what an earlier call wrote
        return file.toFile();
    }

    private KeyStore keyStore() throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream file = Files.newInputStream(certificateAuthority().toPath())) {
            store.setCertificateEntry("emulator", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        return store;
    }

    /**
     * {@return TLS that trusts its Redis and its Entra, for clients that take a context or a socket factory}
     *
     * @throws IOException if the certificate cannot be read
     * @throws GeneralSecurityException if this Java cannot use it
     */
    public SSLContext tls() throws IOException, GeneralSecurityException {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust().getTrustManagers(), null);
        return context;
    }

    /** {@return the configuration of an application that signs in with a secret, by key: {@code configuration().forEach(builder::set)}} */
    public Map<String, String> configuration() {
        Map<String, String> keys = new LinkedHashMap<>();
        keys.put("identity", "service_principal");
        keys.put("tenant_id", variable("AZURE_TENANT_ID"));
        keys.put("client_id", variable("AZURE_CLIENT_ID"));
        keys.put("client_secret", variable("AZURE_CLIENT_SECRET"));
        keys.put("authority_host", variable("AZURE_AUTHORITY_HOST"));
        keys.put("ca_file", variable("ENTRAKEY_CA_FILE"));
        return keys;
    }

    /**
     * Asks the control API ({@code docs/emulator.md}).
     *
     * @param method GET, POST or DELETE
     * @param path {@code /emulator/stats}, for instance
     * @param body JSON, or null
     * @return JSON
     * @throws IOException if it does not answer, or refuses
     */
    public String control(String method, String path, String body) throws IOException {
        URL url = new URL(variable("ENTRAKEY_EMULATOR_URL") + path);
        HttpURLConnection request = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
        request.setConnectTimeout(ANSWER_MILLIS);
        request.setReadTimeout(ANSWER_MILLIS);
        request.setRequestMethod(method);
        request.setRequestProperty("Content-Type", "application/json");
        if (body != null) {
            request.setDoOutput(true);
            try (OutputStream sent = request.getOutputStream()) {
                sent.write(body.getBytes(StandardCharsets.UTF_8));
            }
        }
        int status = request.getResponseCode();
        String answer = text(status < 300 ? request.getInputStream() : request.getErrorStream());
        if (status >= 300) {
            throw new IOException(method + ' ' + path + ": " + status + ' ' + answer);
        }
        return answer;
    }

    /**
     * {@return a number of {@code GET /emulator/stats}}
     *
     * @param object the object that it is in: {@code token_requests}
     * @param name its name: {@code total}
     * @throws IOException if it does not answer
     */
    public long count(String object, String name) throws IOException {
        Pattern number = Pattern.compile('"' + object + "\"\\s*:\\s*\\{[^{}]*?\"" + name + "\"\\s*:\\s*(\\d+)");
        Matcher found = number.matcher(control("GET", "/emulator/stats", null));
        if (!found.find()) {
            throw new IOException("the emulator counts no " + name + " of " + object);
        }
        return Long.parseLong(found.group(1));
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private static String text(InputStream stream) throws IOException {
        if (stream == null) {
            return "";
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] part = new byte[8192];
        for (int length = stream.read(part); length >= 0; length = stream.read(part)) {
            all.write(part, 0, length);
        }
        return new String(all.toByteArray(), StandardCharsets.UTF_8);
    }

    /** The members of a JSON object whose values are all texts. */
    private static Map<String, String> members(String json) {
        Map<String, String> members = new LinkedHashMap<>();
        for (Matcher member = MEMBER.matcher(json); member.find(); ) {
            members.put(plain(member.group(1)), plain(member.group(2)));
        }
        return Collections.unmodifiableMap(members);
    }

    private static String plain(String text) {
        return text.replace("\\\"", "\"").replace("\\n", "\n").replace("\\/", "/").replace("\\\\", "\\");
    }
}
