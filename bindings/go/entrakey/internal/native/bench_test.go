package native

import "testing"

// BenchmarkFloor is a call that does nothing: what every other costs at least.
func BenchmarkFloor(b *testing.B) {
	if err := Load(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		call(abi)
	}
}
