package entrakey.spring;

import entrakey.Event;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The provider's events as lines of the log {@code entrakey}. */
final class LoggedEvents implements Consumer<Event> {
    private static final Logger LOG = LoggerFactory.getLogger("entrakey");

    @Override
    public void accept(Event event) {
        switch (event.level()) {
            case WARN -> LOG.warn("{}", event.message());
            case INFO -> LOG.info("{}", event.message());
            default -> LOG.debug("{}", event.message());
        }
    }
}
