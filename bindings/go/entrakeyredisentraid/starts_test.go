package entraid_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	entraid "entrakey.invalid/go/entrakeyredisentraid"
	"entrakey.invalid/go/entrakeyredisentraid/manager"
	"entrakey.invalid/go/entrakeyredisentraid/token"
	"github.com/redis/go-redis/v9/auth"
)

// slowManager is a program's own token manager. Its Start and the StopFunc come back when the test says so.
type slowManager struct {
	starts, stops int
	back          chan error
}

func (m *slowManager) GetToken(bool) (*token.Token, error) {
	return token.New("user", "secret", "secret", time.Now().Add(time.Hour), time.Now(), 0), nil
}

func (m *slowManager) Start(manager.TokenListener) (manager.StopFunc, error) {
	m.starts++
	if err := <-m.back; err != nil {
		return nil, err
	}
	return func() error { m.stops++; return <-m.back }, nil
}

func TestThoseWhoSubscribeShareOneStartAndWaitForAStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := &slowManager{back: make(chan error, 1)}
		slow.back <- nil
		provider, err := entraid.NewCredentialsProvider(slow, entraid.CredentialsProviderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		only := listener{make(chan auth.Credentials)}
		_, unsubscribe, err := provider.Subscribe(only)
		if err != nil {
			t.Fatal(err)
		}
		go unsubscribe()
		synctest.Wait() // it is inside the StopFunc

		down, failed := errors.New("the broker is down"), make(chan error)
		const clients = 3
		for range clients {
			go func() {
				_, _, err := provider.Subscribe(listener{make(chan auth.Credentials)})
				failed <- err
			}()
		}
		synctest.Wait()
		if slow.starts != 1 || slow.stops != 1 {
			t.Fatalf("started %d times while it is being stopped", slow.starts)
		}
		slow.back <- nil
		synctest.Wait() // one of them is inside Start, and the others wait for that
		slow.back <- down
		for range clients {
			if err := <-failed; !errors.Is(err, down) {
				t.Fatal(err)
			}
		}
		if slow.starts != 2 {
			t.Fatalf("%d starts", slow.starts)
		}
	})
}
