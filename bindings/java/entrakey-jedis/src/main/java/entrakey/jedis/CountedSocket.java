package entrakey.jedis;

import entrakey.Connection;
import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import redis.clients.jedis.SSLSocketWrapper;

/**
 * A TLS socket of Jedis's that tells which token was sent on it, what the server answered, and when it was closed.
 *
 * <p>It also keeps Jedis from one error: a subscriber that has ended stays registered for new tokens, and its connection goes back
 * into the pool. Jedis would send AUTH there without reading the answer, which the next command would take for its own.
 */
final class CountedSocket extends SSLSocketWrapper {
    /** Which of Jedis's classes authenticates subscribers. */
    private static final String SUBSCRIBERS = "JedisSafeAuthenticator";

    private final JedisConnections connections;
    private final OutputStream output;
    private final InputStream input;
    /** What follows is guarded by this object's own lock, as the socket's methods use the socket's. */
    private final Object lock = new Object();
    private Connection connection;
    /** The version that was sent and not answered yet, 0 for none. */
    private long sent;
    private boolean hasSubscribed;
    private int channels;
    private boolean closed;

    CountedSocket(SSLSocket actual, Socket underlying, JedisConnections connections) throws IOException {
        super(actual, underlying);
        this.connections = connections;
        output = new Output(super.getOutputStream());
        input = new Input(super.getInputStream());
    }

    @Override
    public OutputStream getOutputStream() {
        return output;
    }

    @Override
    public InputStream getInputStream() {
        return input;
    }

    @Override
    public synchronized void close() throws IOException {
        try {
            super.close();
        } finally {
            synchronized (lock) {
                closed = true;
                if (connection != null) {
                    connection.close();
                }
            }
        }
    }

    /** Whether these bytes are to be sent. */
    private boolean writes(byte[] bytes, int offset, int length) {
        Resp.Command command = Resp.command(bytes, offset, length);
        if (command == null) {
            return true;
        }
        synchronized (lock) {
            switch (command.name) {
                case "AUTH":
                case "HELLO":
                    return authenticates(bytes, offset, length);
                case "SUBSCRIBE":
                case "PSUBSCRIBE":
                case "SSUBSCRIBE":
                    hasSubscribed = true;
                    channels += command.arguments;
                    return true;
                case "UNSUBSCRIBE":
                case "PUNSUBSCRIBE":
                case "SUNSUBSCRIBE":
                    channels = command.arguments == 0 ? 0 : Math.max(0, channels - command.arguments);
                    return true;
                default:
                    return true;
            }
        }
    }

    private boolean authenticates(byte[] bytes, int offset, int length) {
        if (hasSubscribed && channels == 0 && isForSubscriber()) {
            return false;
        }
        long version = connections.versionIn(bytes, offset, length);
        if (version > 0 && !closed) {
            if (connection == null) {
                connection = connections.opened(version);
            }
            sent = version;
        }
        return true;
    }

    /** Asked once for each token, of connections that had a subscriber. */
    private static boolean isForSubscriber() {
        for (StackTraceElement caller : new Throwable().getStackTrace()) {
            if (caller.getClassName().endsWith(SUBSCRIBERS)) {
                return true;
            }
        }
        return false;
    }

    private void reads(byte[] bytes, int offset, int length) {
        synchronized (lock) {
            String answer = sent == 0 ? null : Resp.answer(bytes, offset, length);
            if (answer == null) {
                return;
            }
            if (answer.isEmpty()) {
                connection.authenticated(sent);
            } else {
                connections.refused(connection, sent, answer);
            }
            sent = 0;
        }
    }

    private final class Output extends FilterOutputStream {
        Output(OutputStream actual) {
            super(actual);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            if (writes(bytes, offset, length)) {
                out.write(bytes, offset, length);
            }
        }
    }

    private final class Input extends FilterInputStream {
        Input(InputStream actual) {
            super(actual);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            int read = in.read(bytes, offset, length);
            if (read > 0) {
                reads(bytes, offset, read);
            }
            return read;
        }
    }
}
