package entrakey

import (
	"context"
	"errors"
	"os"
	"time"

	"entrakey.invalid/go/entrakey/internal/native"
	"golang.org/x/sys/unix"
)

// Watch says when connections have to re-authenticate. Each watch has a random moment of its own, so a program whose
// connections should not all move at once makes several. A waiting goroutine holds no thread.
type Watch struct {
	native *handle
	file   *os.File      // a duplicate of the watch's descriptor, for the runtime's poller
	turn   chan struct{} // one goroutine at a time waits
}

// Watch makes a watch. Make it first and connect then. The first token is news only to a watch that was made before it.
func (p *Provider) Watch() (*Watch, error) {
	if !p.native.enter() {
		return nil, closed("provider")
	}
	defer p.native.leave()
	object, failure := native.WatchNew(p.native.object)
	if failure != nil {
		return nil, failed(failure)
	}
	watch := &Watch{native: newHandle(object, native.WatchFree), turn: make(chan struct{}, 1)}
	descriptor, err := unix.FcntlInt(native.WatchDescriptor(object), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		watch.native.close()
		return nil, &Error{Kind: ErrNetwork, Message: "the system gives no descriptor for a watch: " + err.Error() + ".", Retriable: true}
	}
	watch.file = os.NewFile(uintptr(descriptor), "entrakey watch") // which closes it when it is collected
	closeWith(watch, watch.native)
	return watch, nil
}

// Wait returns the version of the newest token when one has come since the last call: authenticate then with
// [Provider.Token], which may give an even newer one. It fails with ctx's error, or with [ErrClosed] when nothing will come
// any more.
func (w *Watch) Wait(ctx context.Context) (uint64, error) {
	select {
	case w.turn <- struct{}{}:
		defer func() { <-w.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if !w.native.enter() {
		return 0, closed("watch")
	}
	defer w.native.leave()
	for {
		version, err := w.read(ctx)
		switch {
		case ctx.Err() != nil && version == 0:
			return 0, ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded): // a ctx of an earlier Wait ended late
		case w.native.closed.Load(): // what os says then is not always os.ErrClosed
			return 0, closed("watch")
		default:
			return version, err
		}
	}
}

func (w *Watch) read(ctx context.Context) (version uint64, err error) {
	if err := w.file.SetReadDeadline(time.Time{}); err != nil {
		return 0, err
	}
	defer context.AfterFunc(ctx, func() { _ = w.file.SetReadDeadline(time.Unix(1, 0)) })()
	connection, err := w.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	var failure *native.Failure
	err = connection.Read(func(uintptr) bool {
		version, failure = native.WatchTake(w.native.object)
		return version != 0 || failure != nil
	})
	if err == nil {
		err = failed(failure)
	}
	return version, err
}

// Ack says whether connections re-authenticated with the token of this version. Programs that count their connections with
// [Watch.Opened] need it not.
func (w *Watch) Ack(version uint64, accepted bool) {
	if w.native.enter() {
		native.WatchAck(w.native.object, version, accepted)
		w.native.leave()
	}
}

// Close ends the watch; a Wait fails with [ErrClosed]. A second call does nothing.
func (w *Watch) Close() error {
	w.native.close() // which frees it when a Wait has left it
	_ = w.file.Close()
	return nil
}
