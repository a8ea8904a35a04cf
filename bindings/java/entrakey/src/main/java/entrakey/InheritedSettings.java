package entrakey;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The settings of an older library, for modules of ours that take its place. A value below our default is raised to the default: those
 * libraries come with time-outs and retries that end the renewal of tokens in an outage of milliseconds.
 */
public final class InheritedSettings {
    private final Wire.Writer settings = new Wire.Writer();

    /**
     * One setting of the older library.
     *
     * @param key our key that means the same; empty for a limit on tries, which has none
     * @param name the name that the user wrote
     * @param value the value, in our key's unit
     * @param theirDefault the older library's default: a value that nobody chose is not taken over
     * @return this
     */
    public InheritedSettings add(String key, String name, double value, double theirDefault) {
        settings.text("key", key).text("name", name).fraction(value).fraction(theirDefault);
        return this;
    }

    /**
     * Sets what they become.
     *
     * @param builder the builder of the provider
     * @return one sentence for one warning, if values were raised
     */
    public Optional<String> applyTo(ProviderBuilder builder) {
        Wire.Reader read = Native.inherited(settings.done());
        String warning = read.text();
        Map<String, String> values = new LinkedHashMap<>();
        for (long left = read.number(); left > 0; left--) {
            values.put(read.text(), read.text());
        }
        values.forEach(builder::set);
        return Optional.ofNullable(warning);
    }
}
