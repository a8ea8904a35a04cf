package entrakey.spring;

import entrakey.ProviderBuilder;

/** A bean that adds to the provider what properties cannot say: a token source, for instance. */
@FunctionalInterface
public interface ProviderCustomizer {
    /**
     * Adds to a provider.
     *
     * @param builder has what the properties say
     */
    void customize(ProviderBuilder builder);
}
