package entrakey.spring;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/** The library's keys among Spring's properties: {@code entrakey.client-id} is {@code client_id}. The library checks them. */
final class Properties {
    private static final String PREFIX = "entrakey";
    /** Ours, and not the library's. */
    private static final Set<String> OTHER = Set.of("enabled", "allow_plaintext", "library");

    private Properties() {}

    static Map<String, String> keys(Environment environment) {
        return keys(environment, System::getenv);
    }

    static Map<String, String> keys(Environment environment, UnaryOperator<String> variables) {
        Map<String, String> found = Binder.get(environment)
                .bind(PREFIX, Bindable.mapOf(String.class, String.class))
                .orElse(Collections.emptyMap());
        Map<String, String> keys = new LinkedHashMap<>();
        found.forEach((name, value) -> {
            String key = key(name);
            if (!OTHER.contains(key) && !isVariable(key, value, variables)) {
                keys.put(key, value);
            }
        });
        return keys;
    }

    /** {@code client-id}, {@code clientId} and, from a variable, {@code client.id}. */
    private static String key(String name) {
        return name.replaceAll("([a-z])([A-Z])", "$1_$2").replace('-', '_').replace('.', '_').toLowerCase(Locale.ROOT);
    }

    /**
     * The library reads its variables itself, and says of an error which one it was. What Spring puts before the variable, the command
     * line for instance, counts.
     */
    private static boolean isVariable(String key, String value, UnaryOperator<String> variables) {
        return value.equals(variables.apply(PREFIX.toUpperCase(Locale.ROOT) + '_' + key.toUpperCase(Locale.ROOT)));
    }
}
