package entrakey;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * Finds and loads the library, once for each class loader that has this class: the system property {@code entrakey.library}, else the
 * environment variable {@code ENTRAKEY_LIBRARY}, else the one that the artifact of this platform brings along.
 */
final class NativeLibrary {
    private static final String PROPERTY = "entrakey.library";
    private static final String VARIABLE = "ENTRAKEY_LIBRARY";

    /** What Java says of a file that a second class loader loads. */
    private static final String OTHER_LOADER = "already loaded in another classloader";

    private final Reclaimer reclaimer = new Reclaimer();

    private NativeLibrary() {}

    /** The library; throws what keeps it from being loaded, each time. */
    static NativeLibrary loaded() {
        if (Holder.FAILURE != null) {
            throw new EntrakeyException(ErrorKind.INTERNAL, Holder.FAILURE.getMessage(), Holder.FAILURE.getCause());
        }
        return Holder.LIBRARY;
    }

    Reclaimer reclaimer() {
        return reclaimer;
    }

    /** Made at first use, by one thread. */
    private static final class Holder {
        private static final NativeLibrary LIBRARY = new NativeLibrary();
        private static final EntrakeyException FAILURE = load();

        private static EntrakeyException load() {
            try {
                String named = System.getProperty(PROPERTY);
                String origin = "the system property " + PROPERTY;
                if (named == null) {
                    named = System.getenv(VARIABLE);
                    origin = "the environment variable " + VARIABLE;
                }
                if (named != null) {
                    loadNamed(named, origin);
                } else {
                    loadPacked();
                }
                return null;
            } catch (EntrakeyException e) {
                return e;
            }
        }
    }

    private static void loadNamed(String file, String origin) {
        Path path = Paths.get(file).toAbsolutePath();
        if (file.isEmpty() || !Files.isRegularFile(path)) {
            throw failure(origin + " names " + file + ", which is no file.", null);
        }
        try {
            load(path);
        } catch (UnsatisfiedLinkError e) {
            if (String.valueOf(e.getMessage()).contains(OTHER_LOADER)) {
                loadCopy(path, origin);
                return;
            }
            throw failure(
                    origin + " names " + file + ", which cannot be loaded as entrakey's library for Java ("
                            + Platform.file() + "): " + e.getMessage() + ".",
                    e);
        }
    }

    /** Another application of this process has loaded the file; Java refuses it to us, and not a copy. */
    private static void loadCopy(Path path, String origin) {
        byte[] content;
        try {
            content = Files.readAllBytes(path);
        } catch (IOException e) {
            throw failure(origin + " names " + path + ", which cannot be read: " + e.getMessage() + '.', e);
        }
        loadFromAnyFolder(content);
    }

    private static void loadPacked() {
        String resource = "/META-INF/native/" + Platform.name() + '/' + Platform.file();
        byte[] content;
        try (InputStream packed = NativeLibrary.class.getResourceAsStream(resource)) {
            if (packed == null) {
                throw failure(
                        "There is no library for " + Platform.name() + " on the class path (" + resource
                                + "). Add the artifact entrakey with the classifier " + Platform.name()
                                + ", or name a library by -D" + PROPERTY + " or " + VARIABLE + '.',
                        null);
            }
            content = readAll(packed);
        } catch (IOException e) {
            throw failure("The library " + resource + " cannot be read: " + e.getMessage() + '.', e);
        }
        loadFromAnyFolder(content);
    }

    /** Where code may be run from differs: {@code /tmp} is often mounted without. */
    private static void loadFromAnyFolder(byte[] content) {
        List<String> tried = new ArrayList<>();
        Throwable last = null;
        for (Path folder : folders()) {
            try {
                loadFrom(folder, content);
                return;
            } catch (IOException | UnsatisfiedLinkError e) {
                tried.add(folder + " (" + e.getMessage() + ')');
                last = e;
            }
        }
        throw failure(
                "The library could not be unpacked and loaded anywhere: " + String.join("; ", tried)
                        + ". Name a folder by -Djava.io.tmpdir from which code may be run, or a library by -D" + PROPERTY
                        + '.',
                last);
    }

    private static Set<Path> folders() {
        Set<Path> folders = new LinkedHashSet<>();
        add(folders, System.getProperty("java.io.tmpdir"));
        add(folders, System.getenv("XDG_RUNTIME_DIR"));
        add(folders, System.getProperty("user.home"));
        add(folders, System.getProperty("user.dir"));
        return folders;
    }

    private static void add(Set<Path> folders, String folder) {
        if (folder != null && !folder.isEmpty() && Files.isDirectory(Paths.get(folder))) {
            folders.add(Paths.get(folder).toAbsolutePath());
        }
    }

    /**
     * Unpacks the library into a folder that only this user may read, loads it and removes both. The copy is always a new one: Java
     * refuses a file that another class loader has loaded.
     */
    private static void loadFrom(Path parent, byte[] content) throws IOException {
        Path folder = Files.createTempDirectory(parent, ".entrakey-");
        Path file = folder.resolve(Platform.file());
        try {
            Files.write(file, content);
            load(file);
        } finally {
            remove(file);
            remove(folder);
        }
    }

    /** Windows keeps a loaded file; there it goes when Java ends, or stays. */
    private static void remove(Path path) {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            path.toFile().deleteOnExit();
        }
    }

    private static void load(Path file) {
        try {
            System.load(file.toString());
        } catch (RuntimeException e) {
            if (e.getClass().getSimpleName().equals("IllegalCallerException")) { // Java 24 and newer
                throw failure(
                        "This Java is told to deny native access (--illegal-native-access=deny). Start it with"
                                + " --enable-native-access=ALL-UNNAMED, or =entrakey if entrakey is on the module path.",
                        e);
            }
            throw e;
        }
        int found = Native.interfaceNumber();
        if (found != Native.INTERFACE) {
            throw failure(
                    file + " has interface " + found + ", and these classes need " + Native.INTERFACE
                            + ": use the classes and the library of one release.",
                    null);
        }
    }

    private static byte[] readAll(InputStream stream) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream(1 << 22);
        byte[] part = new byte[1 << 16];
        for (int length = stream.read(part); length >= 0; length = stream.read(part)) {
            all.write(part, 0, length);
        }
        return all.toByteArray();
    }

    private static EntrakeyException failure(String message, Throwable cause) {
        return new EntrakeyException(ErrorKind.INTERNAL, message, cause);
    }
}
