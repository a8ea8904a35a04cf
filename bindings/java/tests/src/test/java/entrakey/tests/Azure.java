package entrakey.tests;

import entrakey.Provider;
import entrakey.ProviderBuilder;
import entrakey.emulator.Emulator;
import java.io.IOException;

/** An emulator and a provider for it. */
final class Azure implements AutoCloseable {
    final Emulator emulator;
    final Provider provider;

    Azure(String... arguments) throws IOException {
        emulator = Emulator.start(arguments);
        ProviderBuilder builder = Provider.builder();
        emulator.configuration().forEach(builder::set);
        provider = builder.build();
    }

    long requests() throws IOException {
        return emulator.count("token_requests", "total");
    }

    @Override
    public void close() {
        provider.close();
        emulator.close();
    }
}
