package entrakey

import (
	"runtime"
	"sync/atomic"

	"entrakey.invalid/go/entrakey/internal/native"
)

// handle is an object of the library's that ends when it was closed and no call is inside it any more.
type handle struct {
	object native.Handle
	free   func(native.Handle)
	users  atomic.Int64 // the calls inside, and 1 until it is closed; from 0 on nothing enters
	closed atomic.Bool
}

func newHandle(object native.Handle, free func(native.Handle)) *handle {
	h := &handle{object: object, free: free}
	h.users.Store(1)
	return h
}

func (h *handle) enter() bool {
	for {
		users := h.users.Load()
		if users == 0 || h.closed.Load() {
			return false
		}
		if h.users.CompareAndSwap(users, users+1) {
			return true
		}
	}
}

func (h *handle) leave() {
	if h.users.Add(-1) == 0 {
		h.free(h.object)
	}
}

func (h *handle) close() {
	if !h.closed.Swap(true) {
		h.leave()
	}
}

// closeWith is a net for an owner that nobody closed: the handle ends when the owner is collected.
func closeWith[T any](owner *T, h *handle) { runtime.AddCleanup(owner, (*handle).close, h) }
