package entrakeygoredis

import (
	"net"
	"testing"
	"time"
)

func TestTheHealthCheckLeavesOutWhoseMomentHasComeIfTheServerTakesTheNewTokenOrTheOldOneIsOver(t *testing.T) {
	inner, other := net.Pipe()
	defer inner.Close()
	defer other.Close()
	now := time.Now()
	past, future := now.Add(-time.Second), now.Add(time.Hour)
	for _, c := range []struct {
		news         uint64
		due, expires time.Time
		accepted     uint64
		leaves       bool
	}{
		{0, past, future, 1, false},
		{2, future, future, 2, false},
		{2, past, future, 2, true},
		{2, past, future, 3, true},
		{3, past, future, 2, false}, // not known: it is put off here
		{3, past, past, 2, true},
	} {
		server := &server{accepted: c.accepted, putOff: c.news, again: future}
		_, err := (&connection{Conn: inner, client: &client{}, server: server, news: c.news, due: c.due, expires: c.expires}).SyscallConn()
		if (err == errSuperseded) != c.leaves {
			t.Errorf("%+v", c)
		}
	}
}

func TestOneConnectionTriesATokenAndOneThatIsNotTakenIsPutOff(t *testing.T) {
	s := &server{accepted: 1}
	says := func(version uint64, takes, tries bool) {
		t.Helper()
		if a, b := s.takes(version); a != takes || b != tries {
			t.Fatal(version, a, b)
		}
	}
	says(1, true, false)
	says(2, false, true)
	says(2, false, false) // somebody does
	s.putsOff(2, time.Hour)
	s.found()
	says(2, false, false)
	if !s.isPutOff(2) || s.isPutOff(3) {
		t.Fatal("the refused one waits, and no other")
	}
	says(3, false, true)
	s.hasAccepted(3)
	s.found()
	says(3, true, false)
	says(2, true, false)
	s.putsOff(4, -time.Second)
	says(4, false, true) // nothing is left of the old one
}
