package entrakey

import (
	"context"
	"sync"
	"time"
)

// flights lets one goroutine wait for a token and any number of callers for that goroutine: 10,000 goroutines in the library's
// wait would be 10,000 threads.
type flights struct {
	fetch func(timeout time.Duration) (*Token, error)
	mutex sync.Mutex
	now   *flight // the one in the air
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
	if f.now == nil {
		f.now = &flight{landed: make(chan struct{})}
		go f.fly(f.now, timeout)
	}
	return f.now
}

func (f *flights) fly(flight *flight, timeout time.Duration) {
	flight.token, flight.err = f.fetch(timeout)
	f.mutex.Lock()
	f.now = nil
	f.mutex.Unlock()
	close(flight.landed)
}
