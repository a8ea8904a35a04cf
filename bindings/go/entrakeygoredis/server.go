package entrakeygoredis

import (
	"sync"
	"time"
)

// pause: a token that was refused is tried again after this, or sooner if the old one ends before: what was refused for want of an
// access policy is taken a minute after that was made.
const pause = 30 * time.Second

// server is what is known of one: which tokens it takes. No connection that works is given up for a token that is not known to be
// taken: one of our own tries it before.
type server struct {
	mutex    sync.Mutex
	accepted uint64    // the newest version that it has taken
	putOff   uint64    // the version that it has refused, or that could not be tried
	again    time.Time // from when on that is tried again
	trying   bool
}

// takes says whether the server takes the token of this version. If that is not known, tries says that the caller has to find out
// and to call found.
func (s *server) takes(version uint64) (takes, tries bool) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch {
	case s.accepted >= version:
		return true, false
	case s.trying || s.waits(version):
		return false, false
	}
	s.trying = true
	return false, true
}

func (s *server) waits(version uint64) bool { return s.putOff == version && time.Now().Before(s.again) }

// isPutOff: the token of this version was refused, and is not to be tried yet.
func (s *server) isPutOff(version uint64) bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.waits(version)
}

func (s *server) hasAccepted(version uint64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.accepted = max(s.accepted, version)
}

// putsOff: the token of this version was not taken. left is how long the one lasts that is in use instead.
func (s *server) putsOff(version uint64, left time.Duration) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.putOff, s.again = version, time.Now().Add(min(pause, left/4))
}

func (s *server) found() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.trying = false
}
