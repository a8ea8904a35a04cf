package entrakey;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Java programs of the tests' own, each in a process of its own. */
final class Programs {
    private static final long END_SECONDS = 60;
    /** The newer Java of the machine, if there is one beside that of the tests. */
    private static final Path NEWER = Paths.get("/usr/lib/jvm/temurin-25-jdk-amd64/bin/java");

    /** What a program said and how it ended. */
    static final class Ended {
        final int status;
        final String said;

        private Ended(int status, String said) {
            this.status = status;
            this.said = said;
        }
    }

    private Programs() {}

    static String java() {
        return Paths.get(System.getProperty("java.home"), "bin", "java").toString();
    }

    static String newerJava() {
        return Files.exists(NEWER) ? NEWER.toString() : java();
    }

    static Path library() {
        return Paths.get(System.getProperty("entrakey.library"));
    }

    static Ended run(String java, List<String> options, Class<?> program, Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> line = new ArrayList<>(Arrays.asList(java, "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
        line.addAll(options);
        line.addAll(Arrays.asList("-cp", System.getProperty("java.class.path"), program.getName()));
        line.addAll(Arrays.asList(arguments));
        return run(line, environment);
    }

    static Ended run(List<String> line, Map<String, String> environment) throws IOException, InterruptedException {
        Path output = Files.createTempFile("entrakey-program", ".log");
        ProcessBuilder builder = new ProcessBuilder(line).redirectErrorStream(true).redirectOutput(output.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process = builder.start();
        if (!process.waitFor(END_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        String said = new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
        Files.delete(output);
        return new Ended(process.exitValue(), said);
    }
}
