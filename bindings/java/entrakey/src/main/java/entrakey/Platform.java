package entrakey;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Locale;

/** The name of this platform, as the classifiers of our artifacts spell it: {@code linux-x86_64}. */
final class Platform {
    private Platform() {}

    static String name() {
        String system = system(System.getProperty("os.name", ""));
        String name = system + '-' + architecture(System.getProperty("os.arch", ""));
        return system.equals("linux") && isMusl() ? name + "-musl" : name;
    }

    static String system(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        if (lower.startsWith("mac")) {
            return "osx";
        }
        return lower.startsWith("windows") ? "windows" : lower.replace(" ", "");
    }

    static String architecture(String name) {
        switch (name.toLowerCase(Locale.ROOT)) {
            case "amd64":
            case "x86_64":
                return "x86_64";
            case "aarch64":
            case "arm64":
                return "aarch_64";
            default:
                return name.toLowerCase(Locale.ROOT);
        }
    }

    /** The name of the library's file. */
    static String file() {
        return System.mapLibraryName("entrakey_java");
    }

    /** Whether this Java runs on musl's C library, as on Alpine: the loader is then among what is mapped. */
    private static boolean isMusl() {
        try {
            byte[] maps = Files.readAllBytes(Paths.get("/proc/self/maps"));
            return new String(maps, StandardCharsets.ISO_8859_1).contains("/ld-musl-");
        } catch (IOException | SecurityException e) {
            return false;
        }
    }
}
