//go:build !entrakey_static

package native

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/ebitengine/purego"
)

// First, as the descriptor's number may be the same later.
func TestWhatIsNoLibraryIsRefusedFromMemoryAndFromAFile(t *testing.T) {
	_, err := openImage([]byte("no library"))
	if err == nil || strings.Count(err.Error(), "file too short") != 2 {
		t.Fatal(err)
	}
}

func TestALibraryIsLoadedFromMemoryAndFromAFileOfItsOwn(t *testing.T) {
	image, err := os.ReadFile(os.Getenv(Variable))
	if err != nil {
		t.Fatal(err, " (let ", Variable, " name libentrakey.so)")
	}
	t.Setenv("TMPDIR", t.TempDir())
	for name, open := range map[string]func([]byte) (uintptr, error){"memory": openImage, "file": openFile} {
		handle, err := open(image)
		if err != nil {
			t.Fatal(name, err)
		}
		address, err := purego.Dlsym(handle, "entrakey_abi")
		if err != nil || invoke(address) != ABI {
			t.Fatal(name, err)
		}
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Fatal("something was left behind: ", left, err)
	}
	descriptors, _ := os.ReadDir("/proc/self/fd")
	for _, descriptor := range descriptors {
		if path, _ := os.Readlink("/proc/self/fd/" + descriptor.Name()); strings.Contains(path, "libentrakey") {
			t.Fatal("a descriptor was left open: ", path)
		}
	}
}

// Why a library was not loaded is known to the thread that tried, and a goroutine may be moved to another one in between.
func TestWhyNothingWasLoadedIsSaidHoweverManyTry(t *testing.T) {
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 2000 {
				if _, err := dlopen("/nowhere/libentrakey.so"); err == nil || !strings.Contains(err.Error(), "/nowhere/libentrakey.so") {
					t.Errorf("it is not said why: %q", err)
					return
				}
				runtime.Gosched()
			}
		})
	}
	all.Wait()
}
