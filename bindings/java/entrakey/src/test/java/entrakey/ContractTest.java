package entrakey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import entrakey.emulator.Emulator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Runs tests/vectors/identities.json, which tests/README.md describes. */
class ContractTest {
    private static final Set<String> FIELDS = new HashSet<>(Arrays.asList(
            "name", "environment", "without", "with", "config", "files", "faults", "expect", "secrets"));
    private static final Set<String> EXPECTED =
            new HashSet<>(Arrays.asList("username", "error", "retriable", "aadsts", "says"));
    private static final List<String> PLACES = Arrays.asList(
            "default", "imds", "app_service", "azure_ml", "arc", "cloud_shell", "service_fabric", "client_secret",
            "client_certificate", "workload_identity", "azure_pipelines");
    private static final Pattern PLACEHOLDER = Pattern.compile("\\$?\\$\\{([^}]*)\\}");
    private static final String LITERAL = "\0";

    private static Emulator azure;

    @BeforeAll
    static void start() throws IOException {
        azure = Emulator.start();
    }

    @AfterAll
    static void stop() {
        azure.close();
    }

    @TestFactory
    Stream<DynamicTest> theContractThatAllLanguagesKeep() throws IOException {
        Path file = Paths.get(System.getProperty("tests.repository"), "tests/vectors/identities.json");
        JsonArray cases = JsonParser.parseString(Files.readString(file)).getAsJsonArray();
        String wanted = System.getenv().getOrDefault("ENTRAKEY_CASE", "");
        return StreamSupport.stream(cases.spliterator(), false)
                .map(JsonElement::getAsJsonObject)
                .filter(one -> one.get("name").getAsString().contains(wanted))
                .map(one -> dynamicTest(one.get("name").getAsString(), () -> run(one)));
    }

    private static void run(JsonObject one) throws Exception {
        assertTrue(FIELDS.containsAll(one.keySet()), "an unknown field: " + one.keySet());
        assertTrue(EXPECTED.containsAll(one.getAsJsonObject("expect").keySet()), "an unknown field of expect");
        Path folder = Files.createTempDirectory("entrakey-contract");
        Map<String, String> environment = place(one.get("environment").getAsString());
        Map<String, String> values = values(environment, folder, texts(one, "files").keySet());
        for (Map.Entry<String, String> content : texts(one, "files").entrySet()) {
            Path path = Paths.get(values.get("file:" + content.getKey()));
            Files.write(path, filled(content.getValue(), values).getBytes(StandardCharsets.UTF_8));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
        }
        Map<String, String> variables = new HashMap<>(environment);
        variables.put("PATH", System.getenv("PATH"));
        variables.put("NO_PROXY", "127.0.0.1,localhost");
        variables.put("HOME", folder.toString());
        variables.put("LC_ALL", "C.UTF-8"); // what Java reads its arguments by
        array(one, "without").forEach(name -> variables.remove(name.getAsString()));
        texts(one, "with").forEach((name, value) -> variables.put(name, filled(value, values)));
        azure.control("DELETE", "/emulator/faults", null);
        for (JsonElement fault : array(one, "faults")) {
            azure.control("POST", "/emulator/faults", filled(fault.toString(), values));
        }
        String[] words = texts(one, "config").entrySet().stream()
                .flatMap(entry -> Stream.of(entry.getKey(), filled(entry.getValue(), values)))
                .toArray(String[]::new);
        List<String> options = Collections.singletonList("-Dentrakey.library=" + Programs.library());
        Programs.Ended ended = Programs.run(Programs.java(), options, ContractProgram.class, variables, words);
        assertEquals(0, ended.status, ended.said);
        check(one, ended.said, values);
    }

    private static void check(JsonObject one, String said, Map<String, String> values) {
        JsonObject expect = one.getAsJsonObject("expect");
        for (String name : Arrays.asList("username", "error", "retriable", "aadsts")) {
            if (expect.has(name)) {
                assertEquals(filled(expect.get(name).getAsString(), values), field(said, name), said);
            }
        }
        for (JsonElement part : array(expect, "says")) {
            String wanted = plain(filled(part.getAsString(), values));
            assertTrue(plain(field(said, "message")).contains(wanted), "it does not say " + part + ": " + said);
        }
        for (JsonElement secret : array(one, "secrets")) {
            assertFalse(said.contains(filled(secret.getAsString(), values)), "a secret was shown: " + said);
        }
    }

    private static Map<String, String> place(String name) throws IOException {
        return name.equals("default") ? azure.environment() : azure.environment(name);
    }

    private static Map<String, String> values(Map<String, String> environment, Path folder, Set<String> files)
            throws IOException {
        Map<String, String> values = new HashMap<>();
        for (String place : PLACES) {
            values.putAll(place(place));
        }
        values.putAll(environment);
        values.put("folder", folder.toString());
        files.forEach(name -> values.put("file:" + name, folder.resolve(name).toString()));
        return values;
    }

    private static Map<String, String> texts(JsonObject object, String name) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (object.has(name)) {
            object.getAsJsonObject(name).entrySet().forEach(entry -> texts.put(entry.getKey(), entry.getValue().getAsString()));
        }
        return texts;
    }

    private static JsonArray array(JsonObject object, String name) {
        return object.has(name) ? object.getAsJsonArray(name) : new JsonArray();
    }

    private static String field(String said, String name) {
        Matcher found = Pattern.compile("(?m)^" + name + ": (.*)$").matcher(said);
        return found.find() ? found.group(1) : "";
    }

    /** Letter case and underscores do not count. */
    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replace("_", "");
    }

    private static String filled(String text, Map<String, String> values) {
        Matcher found = PLACEHOLDER.matcher(text.replace("$${", LITERAL));
        StringBuilder filled = new StringBuilder();
        while (found.find()) {
            found.appendReplacement(filled, Matcher.quoteReplacement(value(found.group(1), values)));
        }
        return found.appendTail(filled).toString().replace(LITERAL, "${");
    }

    private static String value(String name, Map<String, String> values) {
        if (name.startsWith("content:")) {
            try {
                return Files.readString(Paths.get(values.get(name.substring("content:".length()))));
            } catch (IOException e) {
                throw new IllegalArgumentException(name, e);
            }
        }
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException("nothing is called " + name);
        }
        return value;
    }
}
