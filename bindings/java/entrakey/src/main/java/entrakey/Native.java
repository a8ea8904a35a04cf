package entrakey;

/**
 * The library's functions. An instance stands for one provider, and is the only thing that has its pointer: the native methods are
 * instance methods, so that a call keeps the instance alive, and {@link Reclaimer} frees what it points to when nothing can
 * call it any more. None blocks but {@link #take} and {@link #takeEvent}.
 */
final class Native {
    /** Which names, arguments and bytes this class means; the library must mean the same. */
    static final int INTERFACE = 2;

    private final long pointer;

    private Native(long pointer) {
        this.pointer = pointer;
    }

    static Native open(byte[] entries, boolean tokens, boolean assertions, boolean observed) {
        NativeLibrary library = NativeLibrary.loaded();
        Native made = new Native(Wire.read(create(entries, tokens, assertions, observed)).number());
        library.reclaimer().watch(made, made.pointer);
        return made;
    }

    static void check(byte[] host, byte[] remedy) {
        NativeLibrary.loaded();
        Wire.check(checkPlaintext(host, remedy));
    }

    static Wire.Reader inherited(byte[] settings) {
        NativeLibrary.loaded();
        return Wire.read(inherit(settings));
    }

    static byte[] metrics(Native... providers) {
        long[] pointers = new long[providers.length];
        for (int i = 0; i < pointers.length; i++) {
            pointers[i] = providers[i].pointer;
        }
        return metrics(pointers, providers);
    }

    long version() {
        return version(pointer);
    }

    boolean isUsable(Token token) {
        return isUsable(pointer, token.version(), token.expiresUnixMillis());
    }

    boolean isValid(Token token) {
        return isValid(pointer, token.version(), token.expiresUnixMillis());
    }

    byte[] usable() {
        return usable(pointer);
    }

    byte[] valid() {
        return valid(pointer);
    }

    byte[] getToken(long wait, long timeoutMillis, boolean connecting, boolean insideSource) {
        return getToken(pointer, wait, timeoutMillis, connecting, insideSource);
    }

    byte[] take(long timeoutMillis) {
        return take(pointer, timeoutMillis);
    }

    byte[] takeEvent(long timeoutMillis) {
        return takeEvent(pointer, timeoutMillis);
    }

    void wake() {
        wake(pointer);
    }

    long subscribe() {
        return Wire.read(subscribe(pointer)).number();
    }

    void unsubscribe(long subscription) {
        unsubscribe(pointer, subscription);
    }

    void acknowledge(long subscription, long version, boolean accepted) {
        acknowledge(pointer, subscription, version, accepted);
    }

    long opened(long subscription, long version) {
        return opened(pointer, subscription, version);
    }

    void authenticated(long connection, long version) {
        authenticated(pointer, connection, version);
    }

    byte[] refused(long connection, long version, byte[] message) {
        return refused(pointer, connection, version, message);
    }

    boolean isBehind(long connection, long version) {
        return isBehind(pointer, connection, version);
    }

    void disconnected(long connection) {
        disconnected(pointer, connection);
    }

    byte[] refresh() {
        return refresh(pointer);
    }

    byte[] reportRejected(long version, byte[] message) {
        return reportRejected(pointer, version, message);
    }

    byte[] status() {
        return status(pointer);
    }

    void complete(long request, byte[] secret, long expiresUnixMillis, byte[] username) {
        complete(pointer, request, secret, expiresUnixMillis, username);
    }

    void fail(long request, byte[] message) {
        fail(pointer, request, message);
    }

    void close() {
        close(pointer);
    }

    static native int interfaceNumber();

    static native void release(long pointer);

    private static native byte[] create(byte[] entries, boolean tokens, boolean assertions, boolean observed);

    private static native byte[] checkPlaintext(byte[] host, byte[] remedy);

    private static native byte[] inherit(byte[] settings);

    private static native byte[] metrics(long[] pointers, Object keptAlive);

    private native long version(long pointer);

    private native boolean isUsable(long pointer, long version, long expiresUnixMillis);

    private native boolean isValid(long pointer, long version, long expiresUnixMillis);

    private native byte[] usable(long pointer);

    private native byte[] valid(long pointer);

    private native byte[] getToken(
            long pointer, long wait, long timeoutMillis, boolean connecting, boolean insideSource);

    private native byte[] take(long pointer, long timeoutMillis);

    private native byte[] takeEvent(long pointer, long timeoutMillis);

    private native void wake(long pointer);

    private native byte[] subscribe(long pointer);

    private native void unsubscribe(long pointer, long subscription);

    private native void acknowledge(long pointer, long subscription, long version, boolean accepted);

    private native long opened(long pointer, long subscription, long version);

    private native void authenticated(long pointer, long connection, long version);

    private native byte[] refused(long pointer, long connection, long version, byte[] message);

    private native boolean isBehind(long pointer, long connection, long version);

    private native void disconnected(long pointer, long connection);

    private native byte[] refresh(long pointer);

    private native byte[] reportRejected(long pointer, long version, byte[] message);

    private native byte[] status(long pointer);

    private native byte[] complete(
            long pointer, long request, byte[] secret, long expiresUnixMillis, byte[] username);

    private native byte[] fail(long pointer, long request, byte[] message);

    private native void close(long pointer);
}
