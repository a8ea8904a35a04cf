package entrakey_test

import (
	"os"
	"os/exec"
	"sync"
	"testing"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
)

func cached(b *testing.B) *entrakey.Provider {
	azure, err := emulator.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = azure.Close() })
	azure.Use(b, "imds")
	provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = provider.Close() })
	if _, err := provider.Token(b.Context()); err != nil {
		b.Fatal(err)
	}
	return provider
}

func BenchmarkVersion(b *testing.B) {
	provider := cached(b)
	for b.Loop() {
		_ = provider.Version()
	}
}

func BenchmarkCachedToken(b *testing.B) {
	provider := cached(b)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = provider.Token(b.Context())
	}
}

// BenchmarkCopy is what a new token costs once: user name and secret copied out of the library.
func BenchmarkCopy(b *testing.B) {
	provider := cached(b)
	b.ReportAllocs()
	for b.Loop() {
		_ = provider.Current()
	}
}

// BenchmarkColdStart is a process from its start to its end with a token in between.
func BenchmarkColdStart(b *testing.B) {
	cached(b) // for its environment
	for b.Loop() {
		program := exec.Command(os.Args[0])
		program.Env = append(os.Environ(), child+"=token")
		if said, err := program.CombinedOutput(); err != nil {
			b.Fatal(err, string(said))
		}
	}
}

// BenchmarkStartOfAProcess is the part of a cold start that any program of Go's has.
func BenchmarkStartOfAProcess(b *testing.B) {
	for b.Loop() {
		program := exec.Command(os.Args[0])
		program.Env = append(os.Environ(), child+"=nothing")
		if said, err := program.CombinedOutput(); err != nil {
			b.Fatal(err, string(said))
		}
	}
}

// BenchmarkTenThousandWaiting is ten thousand goroutines that want a token when there is none.
func BenchmarkTenThousandWaiting(b *testing.B) {
	azure, err := emulator.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = azure.Close() })
	azure.Use(b, "imds")
	rounds := 0
	for b.Loop() {
		provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
		if err != nil {
			b.Fatal(err)
		}
		var waiting sync.WaitGroup
		for range 10_000 {
			waiting.Go(func() {
				if _, err := provider.Token(b.Context()); err != nil {
					b.Error(err)
				}
			})
		}
		waiting.Wait()
		_ = provider.Close()
		rounds++
	}
	stats, err := azure.Stats()
	if err != nil {
		b.Fatal(err)
	}
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(stats.TokenRequests.Total)/float64(rounds), "requests/op")
	b.ReportMetric(float64(len(tasks)), "threads")
}
