package entrakey;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import entrakey.emulator.Emulator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What holds for a whole process: how it finds the library, how it ends, what its other threads get. */
class ProcessTest {
    private static List<String> library() {
        return Collections.singletonList("-Dentrakey.library=" + Programs.library());
    }

    private static Programs.Ended smoke(String java, List<String> options, Map<String, String> environment, String what)
            throws IOException, InterruptedException {
        return Programs.run(java, options, Smoke.class, environment, what);
    }

    private static void says(String expected, Programs.Ended ended) {
        assertEquals(0, ended.status, ended.said);
        assertTrue(ended.said.contains(expected), ended.said);
    }

    @Test
    void aProcessEndsFromInsideAListenerAndWhileSomebodyWaits() throws Exception {
        try (Emulator azure = Emulator.start("--token-lifetime=8s")) {
            Map<String, String> environment = azure.environment("app_service");
            assertEquals(7, smoke(Programs.java(), library(), environment, "exit-in-listener").status);
        }
        assertEquals(0, smoke(Programs.java(), library(), Collections.emptyMap(), "ends-while-waiting").status);
    }

    @Test
    void threadsOfOursDoNotHoldUpTheEndOfJava() throws Exception {
        says("none is inside, and me has a token", smoke(Programs.java(), library(), Collections.emptyMap(), "at-the-end"));
    }

    @Test
    void whoMayNotHearOfTheEndOfJavaHasTokensAllTheSame() throws Exception {
        List<String> options = new ArrayList<>(library());
        options.add("-Djava.security.manager=allow");
        says("me\n", smoke(Programs.java(), options, Collections.emptyMap(), "no-hooks"));
    }

    @Test
    void whoHasNoEmulatorIsToldHowToGetIt() throws Exception {
        Map<String, String> environment = Collections.singletonMap("PATH", "/nowhere");
        says("install entrakey-cli", smoke(Programs.java(), library(), environment, "no-emulator"));
    }

    @Test
    void virtualThreadsThatWaitForATokenLeaveTheirCarriersToOthers() throws Exception {
        List<String> options = new ArrayList<>(library());
        options.add("-Djdk.virtualThreadScheduler.parallelism=2");
        options.add("-Djdk.virtualThreadScheduler.maxPoolSize=2");
        Programs.Ended ended = smoke(Programs.newerJava(), options, Collections.emptyMap(), "virtual-threads");
        says("300 tokens, 0 ticks missing", ended);
    }

    @Test
    void aProviderThatWasForgottenIsFreed() throws Exception {
        says("all freed", smoke(Programs.java(), library(), Collections.emptyMap(), "forgotten"));
    }

    @Test
    void anApplicationThatClosedItsProviderIsUnloaded() throws Exception {
        says("unloaded\ndeployed anew", smoke(Programs.java(), library(), Collections.emptyMap(), "unload"));
    }

    /** {@code /tmp} is often mounted so. */
    @Test
    void fromAFolderThatForbidsCodeTheLibraryGoesToAnotherOne(@TempDir Path folder) throws Exception {
        Path packed = packed(folder.resolve("packed"), Platform.name());
        Path forbids = Files.createDirectory(folder.resolve("forbids"));
        Path permits = Files.createDirectory(folder.resolve("permits"));
        says("me", forbidding(forbids, permits, packed, "token"));
        Programs.Ended nowhere = forbidding(forbids, forbids, packed, "fails");
        says("could not be unpacked and loaded anywhere: " + forbids, nowhere);
        says("-Djava.io.tmpdir", nowhere);
    }

    /** Runs a program in a mount namespace of its own, in which one folder forbids code. */
    private static Programs.Ended forbidding(Path forbids, Path home, Path packed, String what) throws Exception {
        String java = Programs.java() + " -Djava.io.tmpdir=" + forbids + " -Duser.home=" + home + " -Duser.dir=" + home
                + " -cp " + System.getProperty("java.class.path") + System.getProperty("path.separator") + packed
                + ' ' + Smoke.class.getName() + ' ' + what;
        String mounted = "mount -t tmpfs -o noexec tmpfs " + forbids + " && " + java;
        boolean root = System.getProperty("user.name").equals("root");
        List<String> line = root
                ? Arrays.asList("unshare", "--mount", "sh", "-c", mounted)
                : Arrays.asList("unshare", "--map-root-user", "--mount", "sh", "-c", mounted);
        return Programs.run(line, Collections.singletonMap("PATH", System.getenv("PATH")));
    }

    @Test
    void theLibraryIsUnpackedForEachClassLoaderAndNothingStaysBehind(@TempDir Path folder) throws Exception {
        Path packed = packed(folder.resolve("packed"), Platform.name());
        Path temporary = Files.createDirectory(folder.resolve("tmp"));
        for (String java : Arrays.asList(Programs.java(), Programs.newerJava())) {
            says("me\nme", unpacking(java, packed, temporary, "two-loaders"));
            List<String> named = new ArrayList<>(library());
            named.add("-Djava.io.tmpdir=" + temporary);
            says("me\nme", smoke(java, named, Collections.emptyMap(), "two-loaders"));
        }
        try (java.util.stream.Stream<Path> left = Files.list(temporary)) {
            assertEquals(0, left.count());
        }
    }

    @Test
    void aPlatformWithoutALibraryAndAFolderThatForbidsCodeAreNamed(@TempDir Path folder) throws Exception {
        Path packed = packed(folder.resolve("other"), "aix-ppc64");
        says("There is no library for " + Platform.name(), unpacking(Programs.java(), packed, folder, "fails"));
        String wrong = folder.resolve("none.so").toString();
        says(wrong + ", which is no file", smoke(
                Programs.java(), Collections.singletonList("-Dentrakey.library=" + wrong), Collections.emptyMap(), "fails"));
        Path text = Files.write(folder.resolve("text.so"), "not a library".getBytes());
        Map<String, String> variable = Collections.singletonMap("ENTRAKEY_LIBRARY", text.toString());
        says("the environment variable ENTRAKEY_LIBRARY names", smoke(Programs.java(), Collections.emptyList(), variable, "fails"));
    }

    @Test
    void aJavaThatDeniesNativeAccessIsToldWhichOptionPermitsIt() throws Exception {
        if (Programs.newerJava().equals(Programs.java())) {
            return; // Java 17 does not know the option
        }
        List<String> options = new ArrayList<>(library());
        options.add("--illegal-native-access=deny");
        says("--enable-native-access=ALL-UNNAMED", smoke(Programs.newerJava(), options, Collections.emptyMap(), "fails"));
        options.add("--enable-native-access=ALL-UNNAMED");
        says("me", smoke(Programs.newerJava(), options, Collections.emptyMap(), "token"));
    }

    /** A class path that has the library as its artifact has it. */
    private static Path packed(Path folder, String platform) throws IOException {
        Path file = folder.resolve("META-INF/native").resolve(platform).resolve(Platform.file());
        Files.createDirectories(file.getParent());
        Files.createSymbolicLink(file, Programs.library());
        return folder;
    }

    private static Programs.Ended unpacking(String java, Path packed, Path temporary, String what) throws Exception {
        List<String> line = Arrays.asList(
                java, "-Djava.io.tmpdir=" + temporary, "-cp",
                System.getProperty("java.class.path") + System.getProperty("path.separator") + packed,
                Smoke.class.getName(), what);
        return Programs.run(line, new HashMap<>());
    }
}
