package adapter

import (
	"testing"
	"time"
)

func TestASuccessorIsAskedForWhenItIsDueAndBeforeTheTokenExpires(t *testing.T) {
	now := time.Now()
	for _, c := range []struct{ refresh, expires, from, to time.Duration }{
		{40 * time.Minute, time.Hour, 40 * time.Minute, 45 * time.Minute},
		{-time.Minute, 20 * time.Minute, time.Second, 6 * time.Minute}, // it is late
		{-time.Minute, time.Minute / 120, time.Second, time.Second},    // and the token as good as gone
	} {
		for range 100 {
			if in := moment(now, now.Add(c.refresh), now.Add(c.expires)).Sub(now); in < c.from || in > c.to {
				t.Fatalf("%+v: %v", c, in)
			}
		}
	}
}
