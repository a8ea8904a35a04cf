//go:build cgo

package cgofloor

import "testing"

func BenchmarkCgoFloor(b *testing.B) {
	for b.Loop() {
		Call()
	}
}
