//go:build linux

package entrakeygoredis_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// As on Alpine, where glibc's library cannot be loaded: Debian's package musl has the loader.
func TestWithMuslALibraryForGlibcIsCalledThat(t *testing.T) {
	loaders, _ := filepath.Glob("/lib/ld-musl-*.so.1")
	if len(loaders) == 0 {
		t.Fatal("musl's loader is missing (Debian: apt-get install musl)")
	}
	program := t.TempDir() + "/hello"
	build := exec.Command("go", "build", "-ldflags", "-I "+loaders[0], "-o", program, ".")
	build.Dir = "../../../examples/go/hello"
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatal(err, string(said))
	}
	said, err := exec.Command(program).CombinedOutput()
	if err == nil || !strings.Contains(string(said), "runs with musl: build libentrakey with musl too") {
		t.Fatal(err, string(said))
	}
}
