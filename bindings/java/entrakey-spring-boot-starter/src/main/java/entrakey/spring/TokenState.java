package entrakey.spring;

import entrakey.Provider;
import entrakey.Status;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a health indicator says of the tokens. For the starters of this library. */
public final class TokenState {
    private final boolean up;
    private final Map<String, Object> details = new LinkedHashMap<>();

    private TokenState(Status status) {
        up = status.isReady() || status.state() == Status.State.IDLE;
        details.put("state", status.state());
        details.put("version", status.version());
        details.put("attempts", status.attempts());
        status.validityLeft().ifPresent(left -> details.put("validityLeft", left.toString()));
        if (status.attempts() > 0) {
            status.lastErrorMessage().ifPresent(message -> details.put("error", message));
        }
    }

    /**
     * {@return the state of a provider's tokens} Asks nobody.
     *
     * @param provider whose tokens
     */
    public static TokenState of(Provider provider) {
        return new TokenState(provider.status());
    }

    /** {@return whether a valid token is there, or nobody has asked for one yet} */
    public boolean isUp() {
        return up;
    }

    /** {@return more of it, without secrets} */
    public Map<String, Object> details() {
        return details;
    }
}
