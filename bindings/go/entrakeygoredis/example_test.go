package entrakeygoredis_test

import (
	"os/exec"
	"testing"
)

func TestTheExampleGreetsTheServer(t *testing.T) {
	azure(t).Use(t, "imds")
	program := exec.Command("go", "run", ".")
	program.Dir = "../../../examples/go/hello"
	said, err := program.CombinedOutput()
	if err != nil || string(said) != "PONG <nil>\n" {
		t.Fatal(err, string(said))
	}
}
