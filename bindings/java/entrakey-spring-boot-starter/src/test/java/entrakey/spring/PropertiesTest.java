package entrakey.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;

class PropertiesTest {
    private static final Map<String, String> VARIABLES =
            Map.of("ENTRAKEY_CLIENT_ID", "of the variable", "ENTRAKEY_TENANT_ID", "of the variable");

    @Test
    void aVariableIsLeftToTheLibraryUnlessSomethingBeforeItSaysElse() {
        StandardEnvironment environment = new StandardEnvironment();
        environment.getPropertySources().forEach(source -> environment.getPropertySources().remove(source.getName()));
        environment.getPropertySources().addLast(
                new MapPropertySource("commandLine", Map.of("entrakey.client-id", "of the command line")));
        environment.getPropertySources().addLast(new SystemEnvironmentPropertySource("systemEnvironment", Map.copyOf(VARIABLES)));
        environment.getPropertySources().addLast(
                new MapPropertySource("file", Map.of("entrakey.tenant-id", "of the file", "entrakey.enabled", "true")));
        assertEquals(Map.of("client_id", "of the command line"), Properties.keys(environment, VARIABLES::get));
    }
}
