package entrakey;

import static org.junit.jupiter.api.Assertions.assertEquals;

import entrakey.emulator.Emulator;
import java.io.File;
import java.security.KeyStore;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EmulatorTest {
    private static final char[] PASSWORD = "changeit".toCharArray();
    private static final int READS = 300;

    /** Jedis reads the file each time it connects, while a program makes its next client. */
    @Test
    void theTrustStoreIsWholeAlsoWhileItIsWrittenAgain() throws Exception {
        try (Emulator azure = Emulator.start()) {
            File file = azure.trustStore(PASSWORD);
            AtomicBoolean read = new AtomicBoolean();
            CompletableFuture<Void> writing = CompletableFuture.runAsync(() -> {
                while (!read.get()) {
                    writeAgain(azure, file);
                }
            });
            try {
                for (int i = 0; i < READS; i++) {
                    assertEquals(1, KeyStore.getInstance(file, PASSWORD).size());
                }
            } finally {
                read.set(true);
            }
            writing.get();
            assertEquals(1, new File(azure.variable("ENTRAKEY_EMULATOR_DIRECTORY")).list((folder, name) -> name.startsWith("trust")).length);
        }
    }

    private static void writeAgain(Emulator azure, File file) {
        try {
            assertEquals(file, azure.trustStore(PASSWORD));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
