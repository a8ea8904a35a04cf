package entrakeygoredis

import (
	"net"
	"testing"
	"time"
)

func TestTheHealthCheckLeavesOutWhoseMomentHasComeUnlessTheServerRefusesTheNewToken(t *testing.T) {
	inner, other := net.Pipe()
	defer inner.Close()
	defer other.Close()
	leaves := func(news uint64, due time.Time, refused uint64) bool {
		c := &connection{Conn: inner, client: &client{refused: refused}, news: news, due: due}
		_, err := c.SyscallConn()
		return err == errSuperseded
	}
	past, future := time.Now().Add(-time.Second), time.Now().Add(time.Hour)
	for _, c := range []struct {
		news    uint64
		due     time.Time
		refused uint64
		leaves  bool
	}{{0, past, 0, false}, {2, future, 0, false}, {2, past, 0, true}, {2, past, 2, false}, {3, past, 2, true}} {
		if leaves(c.news, c.due, c.refused) != c.leaves {
			t.Errorf("%+v", c)
		}
	}
}
