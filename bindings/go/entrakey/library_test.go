package entrakey_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entrakey.invalid/go/entrakey"
)

const child = "ENTRAKEY_TEST_LOADS"

// TestMain makes this binary the program that loads a library, as a process loads one only once.
func TestMain(m *testing.M) {
	switch os.Getenv(child) {
	case "contract":
		contractProgram(os.Args[1:])
		return
	case "nothing":
		return
	case "token":
		provider, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
		if err == nil {
			_, err = provider.Token(context.Background())
		}
		if err != nil {
			log.Fatal(err)
		}
		return
	case "1":
		_, err := entrakey.New(entrakey.Config{Identity: "managed_identity"})
		fmt.Println(err)
		return
	}
	os.Exit(m.Run())
}

func loading(t *testing.T, variables ...string) string {
	t.Helper()
	program := exec.Command(os.Args[0])
	program.Env = append([]string{child + "=1"}, variables...)
	said, err := program.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(said))
	}
	return string(said)
}

func TestTheLibraryThatIsNamedIsTheOneThatIsLoaded(t *testing.T) {
	for variable, says := range map[string][]string{
		"ENTRAKEY_LIBRARY=" + os.Getenv("ENTRAKEY_LIBRARY"): {"<nil>"},
		"ENTRAKEY_LIBRARY=":                     {"ENTRAKEY_LIBRARY is empty"},
		"ENTRAKEY_LIBRARY=/nowhere/libother.so": {"/nowhere/libother.so (environment variable ENTRAKEY_LIBRARY) cannot be loaded", "No such file"},
		"ENTRAKEY_LIBRARY=libc.so.6":            {"libc.so.6 (environment variable ENTRAKEY_LIBRARY) is no libentrakey", "entrakey_abi"},
	} {
		for _, part := range says {
			if said := loading(t, variable); !strings.Contains(said, part) {
				t.Errorf("%s: %s", variable, said)
			}
		}
	}
}

func TestAnotherABIAndAnOlderLibraryAreRefused(t *testing.T) {
	for source, says := range map[string]string{
		"unsigned entrakey_abi(void) { return 2; }": "has ABI 2, and this module needs ABI 1",
		"unsigned entrakey_abi(void) { return 1; }": "is older than this module",
	} {
		library := filepath.Join(t.TempDir(), "libentrakey.so")
		compiler := exec.Command("cc", "-shared", "-fPIC", "-x", "c", "-", "-o", library)
		compiler.Stdin = strings.NewReader(source)
		if said, err := compiler.CombinedOutput(); err != nil {
			t.Fatal(err, string(said))
		}
		if said := loading(t, "ENTRAKEY_LIBRARY="+library); !strings.Contains(said, says) {
			t.Error(said)
		}
	}
}

func TestWithoutALibraryTheErrorNamesWhatWasTried(t *testing.T) {
	said := loading(t)
	if strings.Contains(said, "<nil>") {
		return // this build brings one along, or the system has one
	}
	for _, part := range []string{"ENTRAKEY_LIBRARY", "libentrakey.so.1", "brings none along"} {
		if !strings.Contains(said, part) {
			t.Error(said)
		}
	}
}
