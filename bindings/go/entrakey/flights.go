package entrakey

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// flights lets one goroutine wait for a token and any number of callers for that goroutine: 10,000 goroutines in the library's
// wait would be 10,000 threads.
type flights struct {
	fetch func(timeout time.Duration) (*Token, error)
	mutex sync.Mutex
	now   atomic.Pointer[flight] // the one in the air, written with the mutex held
}

type flight struct {
	landed chan struct{}
	token  *Token
	err    error
}

func (f *flights) join(ctx context.Context, timeout time.Duration) (*Token, error) {
	joined := f.board(timeout)
	select {
	case <-joined.landed:
		return joined.token, joined.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *flights) board(timeout time.Duration) *flight {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	boarded := f.now.Load()
	if boarded == nil {
		boarded = &flight{landed: make(chan struct{})}
		f.now.Store(boarded)
		go f.fly(boarded, timeout)
	}
	return boarded
}

// isWaiting: somebody waits for a token already. Where processors are short, thousands who ask the library as well are hundreds
// of threads.
func (f *flights) isWaiting() bool { return f.now.Load() != nil }

func (f *flights) fly(flight *flight, timeout time.Duration) {
	flight.token, flight.err = f.fetch(timeout)
	f.mutex.Lock()
	f.now.Store(nil)
	f.mutex.Unlock()
	close(flight.landed)
}
