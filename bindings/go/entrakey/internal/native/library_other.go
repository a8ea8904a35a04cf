//go:build !linux && !entrakey_static

package native

import (
	"os"
	"runtime"
)

const (
	platform      = runtime.GOOS + "/" + runtime.GOARCH
	systemLibrary = "libentrakey.1.dylib"
)

func openImage(image []byte) (uintptr, error) { return openFile(image) }

func isPrivileged() bool { return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() }
