package entrakey.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ExitTest {
    @Test
    void aProcessEndsFromInsideAListenerWhileJedisIsOpen() throws Exception {
        Path java = Paths.get(System.getProperty("java.home"), "bin", "java");
        Process process = new ProcessBuilder(
                        java.toString(),
                        "-Dentrakey.library=" + System.getProperty("entrakey.library"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ExitInListener.class.getName())
                .redirectErrorStream(true)
                .start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(60, TimeUnit.SECONDS));
        assertTrue(said.contains("PONG"), said);
        assertEquals(ExitInListener.STATUS, process.exitValue(), said);
    }
}
