package entrakey.jedis;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import javax.net.ssl.SSLSocket;
import redis.clients.jedis.SSLSocketWrapper;

/** A TLS socket of Jedis's that lets a {@link WireWatch} see what goes over it. */
final class CountedSocket extends SSLSocketWrapper {
    private final WireWatch watch;
    private final OutputStream output;
    private final InputStream input;

    CountedSocket(SSLSocket actual, Socket underlying, WireWatch watch) throws IOException {
        super(actual, underlying);
        this.watch = watch;
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
    public boolean isBound() {
        watch.begins();
        return super.isBound();
    }

    @Override
    public synchronized void close() throws IOException {
        try {
            super.close();
        } finally {
            watch.ends();
            watch.closes();
        }
    }

    private final class Output extends FilterOutputStream {
        Output(OutputStream actual) {
            super(actual);
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
            if (watch.writes(bytes, offset, length)) {
                out.write(bytes, offset, length);
            }
        }

        @Override
        public void flush() throws IOException {
            try {
                out.flush();
            } finally {
                watch.ends();
            }
        }
    }

    private final class Input extends FilterInputStream {
        Input(InputStream actual) {
            super(actual);
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
            watch.ends();
            int read = in.read(bytes, offset, length);
            if (read > 0) {
                watch.reads(bytes, offset, read);
            }
            return read;
        }
    }
}
