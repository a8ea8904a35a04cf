package entrakey.jedis;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** As much of Redis's protocol as tells which command a client sends, and what its AUTH was answered. */
final class Resp {
    private static final byte[] LINE_END = {'\r', '\n'};
    private static final byte[] OK = "+OK\r\n".getBytes(StandardCharsets.US_ASCII);
    /** A command's name is shorter. */
    private static final int LONGEST_HEAD = 64;

    private Resp() {}

    /** The first lines of a command: {@code *3}, {@code $4}, {@code AUTH}. */
    static final class Command {
        final String name;
        final int arguments;

        private Command(String name, int arguments) {
            this.name = name;
            this.arguments = arguments;
        }
    }

    /** {@return the command that begins here, or null if none does} */
    static Command command(byte[] bytes, int offset, int length) {
        if (length < 1 || bytes[offset] != '*') {
            return null;
        }
        String head = new String(bytes, offset, Math.min(length, LONGEST_HEAD), StandardCharsets.ISO_8859_1);
        String[] lines = head.split("\r\n", 4);
        if (lines.length < 4 || lines[1].isEmpty() || lines[1].charAt(0) != '$') {
            return null;
        }
        try {
            return new Command(lines[2], Integer.parseInt(lines[0].substring(1)) - 1);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** {@return what follows the command's name; what was cut off has names that no channel has, the same ones each time} */
    static List<String> arguments(Command command, byte[] bytes, int offset, int length) {
        List<String> parts = new ArrayList<>();
        int end = offset + length;
        int at = next(bytes, offset, end);
        while (at >= 0 && at < end && bytes[at] == '$') {
            int content = next(bytes, at, end);
            int size = content < 0 ? -1 : size(bytes, at + 1, content - LINE_END.length);
            if (size < 0 || size > end - content) {
                break;
            }
            parts.add(new String(bytes, content, size, StandardCharsets.ISO_8859_1));
            at = content + size + LINE_END.length;
        }
        for (int i = parts.size(); i <= command.arguments; i++) {
            parts.add("\r\ncut off " + i);
        }
        return parts.subList(1, command.arguments + 1);
    }

    private static int size(byte[] bytes, int from, int end) {
        try {
            return Integer.parseInt(new String(bytes, from, end - from, StandardCharsets.ISO_8859_1));
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    /**
     * {@return what an AUTH or HELLO was answered: an empty text if it was taken, the error, or null if these bytes have no answer} A
     * subscriber's answer stands among messages, which may be cut anywhere.
     */
    static String answer(byte[] bytes, int offset, int length) {
        if (length < 1) {
            return null;
        }
        switch (bytes[offset]) {
            case '+':
            case '%':
            case '*':
                return "";
            case '-':
                return line(bytes, offset + 1, length - 1);
            default:
                return answerAmongMessages(bytes, offset, length);
        }
    }

    private static String answerAmongMessages(byte[] bytes, int offset, int length) {
        int end = offset + length;
        for (int at = next(bytes, offset, end); at >= 0; at = next(bytes, at, end)) {
            if (startsWith(OK, bytes, at, end)) {
                return "";
            }
            if (at + 1 < end && bytes[at] == '-' && bytes[at + 1] >= 'A' && bytes[at + 1] <= 'Z') {
                return line(bytes, at + 1, end - at - 1);
            }
        }
        return null;
    }

    /** Where the line after this place begins, or -1. */
    private static int next(byte[] bytes, int from, int end) {
        int found = indexOf(LINE_END, bytes, from, end - from);
        return found < 0 || found + LINE_END.length >= end ? -1 : found + LINE_END.length;
    }

    private static String line(byte[] bytes, int offset, int length) {
        int end = indexOf(LINE_END, bytes, offset, length);
        return new String(bytes, offset, end < 0 ? length : end - offset, StandardCharsets.UTF_8);
    }

    static int indexOf(byte[] wanted, byte[] bytes, int offset, int length) {
        int end = offset + length;
        for (int at = offset; at + wanted.length <= end; at++) {
            if (startsWith(wanted, bytes, at, end)) {
                return at;
            }
        }
        return -1;
    }

    private static boolean startsWith(byte[] wanted, byte[] bytes, int at, int end) {
        if (end - at < wanted.length) {
            return false;
        }
        for (int i = 0; i < wanted.length; i++) {
            if (bytes[at + i] != wanted[i]) {
                return false;
            }
        }
        return true;
    }
}
