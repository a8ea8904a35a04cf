//go:build !entrakey_static

package native

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

const (
	platform      = "linux/" + runtime.GOARCH
	systemLibrary = "libentrakey.so.1"
	atSecure      = 23 // AT_SECURE of <elf.h>
)

// openImage loads a library from memory. Where the system forbids that, it is loaded from a file.
func openImage(image []byte) (uintptr, error) {
	handle, inMemory := openMemory(image)
	if inMemory == nil {
		return handle, nil
	}
	handle, err := openFile(image)
	if err != nil {
		return 0, errors.Join(inMemory, err)
	}
	return handle, nil
}

func openMemory(image []byte) (uintptr, error) {
	descriptor, err := unix.MemfdCreate("libentrakey", unix.MFD_CLOEXEC|unix.MFD_EXEC)
	if errors.Is(err, unix.EINVAL) { // Linux before 6.3 knows no MFD_EXEC
		descriptor, err = unix.MemfdCreate("libentrakey", unix.MFD_CLOEXEC)
	}
	if err != nil {
		return 0, fmt.Errorf("memfd_create: %w", err)
	}
	file := os.NewFile(uintptr(descriptor), "libentrakey")
	defer file.Close()
	if _, err := file.Write(image); err != nil {
		return 0, err
	}
	// dlopen takes a library for the one that it loaded from the same path before. Others load from memory, too, and have had
	// this descriptor's number, perhaps: the path is one that nobody else writes.
	return dlopen(fmt.Sprintf("/proc/self/task/../fd/%d", descriptor))
}

// isPrivileged: a setuid program, or one with capabilities of its file, loads nothing that a variable names.
func isPrivileged() bool {
	vector, err := os.ReadFile("/proc/self/auxv")
	if err != nil {
		return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid()
	}
	for ; len(vector) >= 16; vector = vector[16:] {
		if binary.NativeEndian.Uint64(vector) == atSecure {
			return binary.NativeEndian.Uint64(vector[8:]) != 0
		}
	}
	return false
}
