package entrakey.jedis;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class RespTest {
    private static final String MESSAGE = ">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";

    private static String answer(String text) {
        byte[] bytes = ("##" + text).getBytes(StandardCharsets.UTF_8);
        return Resp.answer(bytes, 2, bytes.length - 2);
    }

    @Test
    void theAnswerIsFoundAlsoAmongMessages() {
        assertEquals("", answer("+OK\r\n"));
        assertEquals("", answer("%1\r\n+server\r\n+redis\r\n"));
        assertEquals("WRONGPASS invalid username-password pair or user is disabled.",
                answer("-WRONGPASS invalid username-password pair or user is disabled.\r\n"));
        assertEquals("", answer(MESSAGE + "+OK\r\n" + MESSAGE));
        assertEquals("", answer("llo\r\n+OK\r\n"), "a message that is cut");
        assertEquals("NOPERM no", answer(MESSAGE + "-NOPERM no\r\n"));
        assertNull(answer(MESSAGE));
        assertNull(answer(">3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$2\r\n-5\r\n"), "the message is a number");
        assertNull(answer(""));
    }

    @Test
    void aCommandIsKnownByItsFirstLines() {
        byte[] bytes = "*3\r\n$4\r\nAUTH\r\n$2\r\nme\r\n$5\r\ntoken\r\n".getBytes(StandardCharsets.UTF_8);
        assertEquals("AUTH", Resp.command(bytes, 0, bytes.length).name);
        assertEquals(2, Resp.command(bytes, 0, bytes.length).arguments);
        assertNull(Resp.command(bytes, 1, bytes.length - 1));
        assertNull(Resp.command(bytes, 0, 12), "cut");
        assertNull(Resp.command("*x\r\n$4\r\nAUTH\r\n".getBytes(StandardCharsets.UTF_8), 0, 14));
    }
}
