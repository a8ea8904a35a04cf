//go:build cgo

// Package cgofloor is a call by cgo that does nothing, for the benchmarks. Nothing imports it.
package cgofloor

// static int nothing(void) { return 0; }
import "C"

// Call costs what cgo costs at least.
func Call() { C.nothing() }
