package entrakey;

import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Frees what instances of {@link Native} point to, once the garbage collector has found that nothing can call them any more. Java 8
 * has no Cleaner, and a thread of its own would keep a web application's class loader alive: it looks whenever a provider
 * is made, and the threads of the others look every minute.
 */
final class Reclaimer {
    private final ReferenceQueue<Native> unreachable = new ReferenceQueue<>();
    private final Set<Pointer> pointers = ConcurrentHashMap.newKeySet();

    void watch(Native owner, long pointer) {
        reclaim();
        pointers.add(new Pointer(owner, pointer, unreachable));
    }

    void reclaim() {
        for (Reference<?> found = unreachable.poll(); found != null; found = unreachable.poll()) {
            if (pointers.remove(found)) {
                Native.release(((Pointer) found).pointer);
            }
        }
    }

    /** {@return how many instances have not been freed yet} */
    int watched() {
        return pointers.size();
    }

    private static final class Pointer extends PhantomReference<Native> {
        private final long pointer;

        Pointer(Native owner, long pointer, ReferenceQueue<Native> queue) {
            super(owner, queue);
            this.pointer = pointer;
        }
    }
}
