//go:build cgo && linux

package entrakeygoredis_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"entrakey.invalid/go/entrakey/emulator"
)

// As in an image FROM scratch: no C library, no loader, no certificates but those that were put there.
func TestAStaticProgramNeedsNothingOfItsSystem(t *testing.T) {
	root := t.TempDir()
	library := os.Getenv("ENTRAKEY_LIBRARY")
	build := exec.Command("go", "build", "-tags", "entrakey_static", "-ldflags", `-extldflags "-static"`, "-o", root+"/hello", ".")
	build.Dir = "../../../examples/go/hello"
	build.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_LDFLAGS=-L"+filepath.Dir(library))
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatal(err, string(said))
	}
	azure, err := emulator.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer azure.Close()
	variables, err := azure.Environment("imds")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(variables["REDIS_CA_FILE"])
	if err != nil {
		t.Fatal(err)
	}
	variables["REDIS_CA_FILE"] = "/ca.pem"
	for name, text := range map[string]string{"/ca.pem": string(authority), "/etc/hosts": "127.0.0.1 localhost\n"} {
		if err := os.MkdirAll(filepath.Dir(root+name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(root+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.Command("/hello")
	program.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	program.Dir = "/"
	for name, value := range variables {
		program.Env = append(program.Env, name+"="+value)
	}
	if said, err := program.CombinedOutput(); err != nil || !strings.Contains(string(said), "PONG") {
		t.Fatal(err, string(said))
	}
}

func TestWithoutCgoTheTagSaysWhatItNeeds(t *testing.T) {
	build := exec.Command("go", "vet", "-tags", "entrakey_static", "entrakey.invalid/go/entrakey/internal/native")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err == nil || !strings.Contains(string(said), "entrakey_static_needs_CGO_ENABLED_1") {
		t.Fatal(err, string(said))
	}
}
