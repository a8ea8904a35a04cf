package entrakey.jedis;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.util.concurrent.Callable;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import redis.clients.jedis.SslOptions;

/** Makes the sockets that another factory would make, and counts them. Jedis uses one method of it: TLS over an open connection. */
final class CountingSocketFactory extends SSLSocketFactory {
    private final Callable<SSLSocketFactory> actual;
    private final JedisConnections connections;

    private CountingSocketFactory(Callable<SSLSocketFactory> actual, JedisConnections connections) {
        this.actual = actual;
        this.connections = connections;
    }

    /** {@return the sockets of this factory, or Java's own if it is null} */
    static SSLSocketFactory of(SSLSocketFactory factory, JedisConnections connections) {
        if (factory instanceof CountingSocketFactory) { // of an earlier configure()
            return new CountingSocketFactory(((CountingSocketFactory) factory).actual, connections);
        }
        return new CountingSocketFactory(
                () -> factory == null ? (SSLSocketFactory) SSLSocketFactory.getDefault() : factory, connections);
    }

    /** {@return the sockets that Jedis would make by these options: it reads the trust store at each connection, and sees a new one} */
    static SSLSocketFactory of(SslOptions options, JedisConnections connections) {
        return new CountingSocketFactory(() -> options.createSslContext().getSocketFactory(), connections);
    }

    @Override
    public Socket createSocket(Socket underlying, String host, int port, boolean autoClose) throws IOException {
        return new CountedSocket((SSLSocket) actual().createSocket(underlying, host, port, autoClose), underlying, new WireWatch(connections));
    }

    @Override
    public Socket createSocket() throws IOException {
        return actual().createSocket();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
        return actual().createSocket(host, port);
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) throws IOException {
        return actual().createSocket(host, port, localHost, localPort);
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
        return actual().createSocket(host, port);
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress localHost, int localPort) throws IOException {
        return actual().createSocket(host, port, localHost, localPort);
    }

    @Override
    public String[] getDefaultCipherSuites() {
        return known().getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
        return known().getSupportedCipherSuites();
    }

    private SSLSocketFactory known() {
        try {
            return actual();
        } catch (IOException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private SSLSocketFactory actual() throws IOException {
        try {
            return actual.call();
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (GeneralSecurityException e) {
            throw new IOException("TLS as the Jedis configuration wants it: " + e.getMessage(), e);
        } catch (Exception e) {
            throw new IOException(e);
        }
    }
}
