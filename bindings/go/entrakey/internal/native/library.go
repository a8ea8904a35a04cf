//go:build !entrakey_static

package native

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/ebitengine/purego"
)

type library struct {
	handle uintptr
	from   string // where it was found, for messages
}

func (l library) symbol(name string) (uintptr, error) {
	return onOneThread(func() (uintptr, error) { return purego.Dlsym(l.handle, name) })
}

// onOneThread keeps the goroutine where it is: dlerror() tells the thread that tried what was wrong, and no other one.
func onOneThread(try func() (uintptr, error)) (uintptr, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	return try()
}

// open finds the library: the one that ENTRAKEY_LIBRARY names and no other; else the embedded one; else the system's.
func open() (library, error) {
	if path, isSet := os.LookupEnv(Variable); isSet && !isPrivileged() {
		if path == "" { // for dlopen that is the program itself
			return library{}, fmt.Errorf("entrakey: the environment variable %s is empty: let it name a libentrakey, or take it away", Variable)
		}
		from := fmt.Sprintf("%s (environment variable %s)", path, Variable)
		handle, err := dlopen(path)
		if err != nil {
			return library{}, fmt.Errorf("entrakey: %s cannot be loaded: %w", from, err)
		}
		return library{handle, from}, nil
	}
	embedded := embeddedLibrary()
	var tried []error
	if embedded == nil {
		tried = append(tried, errors.New("this build of the module brings none along for "+platform))
	} else if handle, err := openImage(embedded); err == nil {
		return library{handle, "the embedded library"}, nil
	} else {
		tried = append(tried, fmt.Errorf("the embedded one: %w", err))
	}
	handle, err := dlopen(systemLibrary)
	if err == nil {
		return library{handle, systemLibrary}, nil
	}
	tried = append(tried, fmt.Errorf("the system's: %w", err))
	return library{}, fmt.Errorf("entrakey: no libentrakey was found. Install one (`make install` in entrakey's repository), "+
		"or let the environment variable %s name one. Tried:\n%w", Variable, errors.Join(tried...))
}

func dlopen(path string) (uintptr, error) {
	handle, err := onOneThread(func() (uintptr, error) {
		return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	})
	// musl's words for the first library of glibc's that it does not find.
	if err != nil && strings.Contains(err.Error(), "Error loading shared library") && strings.Contains(err.Error(), "needed by") {
		err = fmt.Errorf("%w (is it a library for glibc? This program runs with musl: build libentrakey with musl too, and let %s name it)",
			err, Variable)
	}
	return handle, err
}

// openFile loads the image from a folder that nobody else may look into.
func openFile(image []byte) (uintptr, error) {
	folder, err := os.MkdirTemp("", "entrakey-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(folder) // what is mapped stays
	path := folder + "/" + systemLibrary
	if err := os.WriteFile(path, image, 0o700); err != nil {
		return 0, err
	}
	return dlopen(path)
}
