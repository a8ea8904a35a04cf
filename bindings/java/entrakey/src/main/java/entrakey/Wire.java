package entrakey;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/**
 * Values as flat bytes: what crosses between Java and the library ({@code wire.rs} is the other half). Big-endian; a number has 8
 * bytes, a flag one, a text its length in 4 bytes (-1: none) and its UTF-8.
 */
final class Wire {
    private static final byte ERROR = 'E';

    private Wire() {}

    /** The UTF-8 of a text; half a surrogate pair, which has none, is refused and not replaced. */
    static byte[] utf8(String name, String text) {
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] bytes = Arrays.copyOf(encoded.array(), encoded.limit());
            Arrays.fill(encoded.array(), (byte) 0);
            return bytes;
        } catch (CharacterCodingException e) {
            throw new EntrakeyException(
                    ErrorKind.INVALID_CONFIG, name + " is not valid text: it has half of a surrogate pair.", null);
        }
    }

    /** Messages of servers and of exceptions: what cannot be encoded becomes a question mark. */
    static byte[] lossy(String text) {
        return String.valueOf(text).getBytes(StandardCharsets.UTF_8);
    }

    /** A part of a millisecond is not none; what is too long for a number is the longest that is not. */
    static long millis(Duration time) {
        try {
            return time.plusNanos(999_999).toMillis();
        } catch (ArithmeticException e) {
            return time.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
        }
    }

    /** What follows the first byte, which says what it is; throws the exception that it may be. */
    static Reader read(byte[] bytes) {
        Reader reader = new Reader(bytes);
        reader.throwIfError();
        return reader;
    }

    /** Throws the exception that an outcome may be; null is success. */
    static void check(byte[] outcome) {
        if (outcome != null) {
            read(outcome);
        }
    }

    /** Reads what the library wrote. */
    static final class Reader {
        private final ByteBuffer bytes;
        private byte kind;

        Reader(byte[] bytes) {
            this.bytes = ByteBuffer.wrap(bytes);
            this.kind = this.bytes.get();
        }

        byte kind() {
            return kind;
        }

        /** Goes on to a part that begins with what it is. */
        Reader part() {
            kind = bytes.get();
            return this;
        }

        boolean isAtEnd() {
            return !bytes.hasRemaining();
        }

        void throwIfError() {
            if (kind == ERROR) {
                throw new EntrakeyException(this);
            }
        }

        long number() {
            return bytes.getLong();
        }

        /** A number, null if it is -1. */
        Long optionalNumber() {
            long number = bytes.getLong();
            return number == -1 ? null : Long.valueOf(number);
        }

        boolean flag() {
            return bytes.get() != 0;
        }

        String text() {
            int length = bytes.getInt();
            if (length < 0) {
                return null;
            }
            String text = new String(bytes.array(), bytes.position(), length, StandardCharsets.UTF_8);
            bytes.position(bytes.position() + length);
            return text;
        }

        /** What was not read yet. */
        byte[] rest() {
            return Arrays.copyOfRange(bytes.array(), bytes.position(), bytes.limit());
        }

        /** Overwrites what was read: it held a secret. */
        void wipe() {
            Arrays.fill(bytes.array(), (byte) 0);
        }
    }

    /** Writes what the library reads. */
    static final class Writer {
        private ByteBuffer bytes = ByteBuffer.allocate(256);

        Writer text(String name, String value) {
            byte[] encoded = utf8(name, value);
            room(4 + encoded.length);
            bytes.putInt(encoded.length).put(encoded);
            Arrays.fill(encoded, (byte) 0);
            return this;
        }

        Writer fraction(double value) {
            room(8);
            bytes.putDouble(value);
            return this;
        }

        private void room(int length) {
            if (bytes.remaining() < length) {
                ByteBuffer larger = ByteBuffer.allocate(2 * (bytes.capacity() + length));
                larger.put(bytes.array(), 0, bytes.position());
                wipe();
                bytes = larger;
            }
        }

        byte[] done() {
            return Arrays.copyOf(bytes.array(), bytes.position());
        }

        void wipe() {
            Arrays.fill(bytes.array(), (byte) 0);
        }
    }
}
