package entrakey.redisauthx.entraid;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Collections;
import java.util.Date;
import org.junit.jupiter.api.Test;

class JWTokenTest {
    private static JWToken token(String more) {
        String claims = "{\"oid\":\"me\",\"exp\":4102444800," + more + '}';
        return new JWToken("e30." + Base64.getUrlEncoder().withoutPadding().encodeToString(claims.getBytes(StandardCharsets.UTF_8)) + ".c2ln");
    }

    @Test
    void aLongTextIsReadToItsEnd() {
        String groups = String.join("\\\"", Collections.nCopies(20_000, "a"));
        assertEquals(groups.replace("\\\"", "\""), token("\"groups\":\"" + groups + '"').tryGet("groups", String.class));
    }

    @Test
    void aNumberThatDoesNotFitIsNone() {
        JWToken token = token("\"large\":123456789012345678901234567890");
        assertNull(token.tryGet("large", Long.class));
        assertNull(token.tryGet("large", Date.class));
        assertNull(token.tryGet("exp", Integer.class));
        assertEquals(4102444800L, token.tryGet("exp", Long.class));
        assertEquals(new Date(4102444800_000L), token.tryGet("exp", Date.class));
    }
}
