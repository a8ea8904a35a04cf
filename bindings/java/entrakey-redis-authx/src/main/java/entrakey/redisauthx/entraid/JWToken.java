package entrakey.redisauthx.entraid;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Date;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import redis.clients.authentication.core.Token;

/** A token of Entra's, read but not verified: its server does that. */
public class JWToken implements Token {
    /** Possessive, since Java's regular expressions end in a StackOverflowError at a long text; numbers whose milliseconds fit a long. */
    private static final String MEMBER =
            "\\s*:\\s*(?:\"((?:[^\"\\\\]++|\\\\.)*+)\"|(-?[0-9]{1,15}+)(?![0-9])|(true|false))";

    private final String secret;
    private final String claims;
    private final String user;
    private final long expiresAt;
    private final long receivedAt = System.currentTimeMillis();

    /**
     * Reads a token.
     *
     * @param token as Entra gives it
     * @throws RedisEntraIDException if it is none, or says neither whose it is nor when it expires
     */
    public JWToken(String token) {
        secret = token;
        claims = claims(token);
        Long seconds = tryGet("exp", Long.class);
        user = tryGet("oid", String.class);
        if (seconds == null || user == null) {
            throw new RedisEntraIDException("The token has no claim " + (user == null ? "oid" : "exp") + '.');
        }
        expiresAt = seconds * 1000;
    }

    private static String claims(String token) {
        String[] parts = token.split("\\.", -1);
        if (parts.length != 3) {
            throw new RedisEntraIDException("The token is no JWT: it has " + parts.length + " parts instead of three.");
        }
        try {
            return new String(Base64.getUrlDecoder().decode(parts[1]), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new RedisEntraIDException("The token is no JWT: its claims are not in base64."); // the cause shows a part of it
        }
    }

    @Override
    public boolean isExpired() {
        return ttl() < 0;
    }

    @Override
    public long ttl() {
        return expiresAt - System.currentTimeMillis();
    }

    @Override
    public String getUser() {
        return user;
    }

    @Override
    public String getValue() {
        return secret;
    }

    @Override
    public long getExpiresAt() {
        return expiresAt;
    }

    @Override
    public long getReceivedAt() {
        return receivedAt;
    }

    /** {@return a claim that is a text, a number or a truth value; null if there is none of this type} */
    @Override
    public <T> T tryGet(String key, Class<T> type) {
        Matcher member = Pattern.compile('"' + Pattern.quote(key) + '"' + MEMBER).matcher(claims);
        if (!member.find()) {
            return null;
        }
        for (Object value : new Object[] {text(member.group(1)), number(member.group(2)), date(member.group(2)), truth(member.group(3))}) {
            if (type.isInstance(value)) {
                return type.cast(value);
            }
        }
        Long number = number(member.group(2));
        return type == Integer.class && number != null && number.intValue() == number ? type.cast(number.intValue()) : null;
    }

    private static String text(String found) {
        return found == null ? null : found.replace("\\/", "/").replace("\\\"", "\"").replace("\\\\", "\\");
    }

    private static Long number(String found) {
        return found == null ? null : Long.valueOf(found);
    }

    private static Date date(String found) {
        return found == null ? null : new Date(Long.parseLong(found) * 1000);
    }

    private static Boolean truth(String found) {
        return found == null ? null : Boolean.valueOf(found);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Token && secret.equals(((Token) other).getValue());
    }

    @Override
    public int hashCode() {
        return secret.hashCode();
    }

    /** Shows no secret; the original's is the token itself. */
    @Override
    public String toString() {
        return "JWToken[expiresAt=" + new Date(expiresAt) + ']';
    }
}
