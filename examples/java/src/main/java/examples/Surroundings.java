package examples;

import java.io.File;

/** Where the Redis is: REDIS_HOST, REDIS_PORT, and REDIS_CA_FILE if its certificate is not one that Java trusts. */
final class Surroundings {
    static final String HOST = System.getenv("REDIS_HOST");
    static final int PORT = Integer.parseInt(System.getenv().getOrDefault("REDIS_PORT", "10000"));
    static final File CA_FILE = System.getenv("REDIS_CA_FILE") == null ? null : new File(System.getenv("REDIS_CA_FILE"));

    private Surroundings() {}
}
