package entrakey;

/** Why a server probably refused a token. Holds ids and no secret. */
public final class Rejection {
    private static final String NOT_A_REFUSAL = "not_a_refusal";

    private final String reason;
    private final String explanation;

    private Rejection(String reason, String explanation) {
        this.reason = reason;
        this.explanation = explanation;
    }

    static Rejection of(byte[] bytes) {
        Wire.Reader read = Wire.read(bytes);
        return new Rejection(read.text(), read.text());
    }

    /** {@return the likely reason, the same words in every language and in metrics: {@code no_access_policy}} */
    public String reason() {
        return reason;
    }

    /** {@return whether the message was a verdict on the token at all} */
    public boolean isRefusal() {
        return !reason.equals(NOT_A_REFUSAL);
    }

    /** {@return who the token was for, and what to do} */
    public String explanation() {
        return explanation;
    }

    @Override
    public String toString() {
        return reason + ": " + explanation;
    }
}
