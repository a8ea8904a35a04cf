package entrakey_test

import (
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
