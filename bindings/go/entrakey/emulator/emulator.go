// Package emulator is Azure on loopback, for tests: Entra, the managed identity endpoints and a Redis that checks tokens.
//
//	azure, err := emulator.Start(ctx, "--token-lifetime=5s")
//	defer azure.Close()
//	azure.Use(t, "imds") // whatever looks for a managed identity in this process finds that of a virtual machine
//
// It runs the command `entrakey emulator`, which the environment variable ENTRAKEY_BIN names, or PATH has.
package emulator

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

const (
	command = "ENTRAKEY_BIN"
	startIn = 20 * time.Second // it starts in a tenth of a second; on a busy machine that takes longer
	stopIn  = 10 * time.Second
)

// A program under test must not see the identities, proxies and certificates that a developer's own shell sets.
//
//go:embed foreign-variables.txt
var foreignVariables string

// direct asks the control API, past whatever proxy this process has.
var direct = &http.Client{Transport: &http.Transport{Proxy: nil}, Timeout: 10 * time.Second}

// Emulator is a running one. It ends with Close, and at the latest with this process.
type Emulator struct {
	process     *exec.Cmd
	stdin       io.Closer
	environment map[string]string
}

// Start runs `entrakey emulator` with these arguments on free ports, and waits until it answers.
func Start(ctx context.Context, arguments ...string) (*Emulator, error) {
	path := os.Getenv(command)
	if path == "" {
		path = "entrakey"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		return nil, fmt.Errorf("emulator: %w: build it with `cargo build -p entrakey-cli` in entrakey's repository, then put "+
			"target/debug on PATH or set %s to target/debug/entrakey", err, command)
	}
	var said bytes.Buffer
	process := exec.Command(path, append([]string{"emulator", "--format=json", "--exit-with-parent", "--quiet"}, arguments...)...)
	process.Stderr = &said
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	emulator := &Emulator{process: process, stdin: stdin}
	ctx, cancel := context.WithTimeout(ctx, startIn)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = process.Process.Kill() })()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &emulator.environment)
	}
	if err != nil {
		_ = emulator.Close() // after which all was said
		return nil, fmt.Errorf("emulator: `%s` did not start: %s", strings.Join(process.Args, " "), strings.TrimSpace(said.String()))
	}
	return emulator, nil
}

// Variable is a variable of the environment that points a program at it.
func (e *Emulator) Variable(name string) string { return e.environment[name] }

// Environment is that of a place: "imds", "app_service", …; the default is a virtual machine, and an application with a secret.
func (e *Emulator) Environment(place string) (map[string]string, error) {
	if place == "default" {
		return maps.Clone(e.environment), nil
	}
	var environment map[string]string
	err := e.Control(http.MethodGet, "/emulator/environment/"+place, nil, &environment)
	return environment, err
}

// Testing is what Use needs of a *testing.T.
type Testing interface {
	Helper()
	Fatal(...any)
	Setenv(name, value string)
}

// Use makes this process's environment that of a place, until the test ends. What configures Azure's tools, proxies and
// certificates in the present shell is taken away.
func (e *Emulator) Use(t Testing, place string) {
	t.Helper()
	environment, err := e.Environment(place)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range os.Environ() {
		if name, _, _ := strings.Cut(line, "="); isForeign(name) {
			t.Setenv(name, "") // which restores it later
			_ = os.Unsetenv(name)
		}
	}
	t.Setenv("NO_PROXY", "127.0.0.1,localhost")
	for name, value := range environment {
		t.Setenv(name, value)
	}
}

func isForeign(name string) bool {
	name = strings.ToUpper(name)
	if name == command || name == "ENTRAKEY_LIBRARY" {
		return false
	}
	for line := range strings.Lines(foreignVariables) {
		line = strings.TrimSpace(line)
		if beginning, isPattern := strings.CutSuffix(line, "*"); name == line || isPattern && strings.HasPrefix(name, beginning) {
			return true
		}
	}
	return false
}

// Control asks the control API; body and answer are JSON, and either may be nil.
func (e *Emulator) Control(method, path string, body, answer any) error {
	var sent io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(encoded)
	}
	request, err := http.NewRequest(method, e.Variable("ENTRAKEY_EMULATOR_URL")+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := direct.Do(request)
	if err != nil {
		return fmt.Errorf("emulator: it does not answer: %w", err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("emulator: %s %s: %s %s", method, path, response.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

// Stats is what has happened so far, counted.
type Stats struct {
	TokenRequests struct {
		Total int `json:"total"`
	} `json:"token_requests"`
	Redis struct {
		ByObjectID map[string]struct {
			Connections, Auths, Expired, Commands, Connected int
		} `json:"by_object_id"`
	} `json:"redis"`
}

// Stats is what has happened so far.
func (e *Emulator) Stats() (stats Stats, err error) {
	err = e.Control(http.MethodGet, "/emulator/stats", nil, &stats)
	return
}

// RedisAddress is the Redis's host and port.
func (e *Emulator) RedisAddress() string {
	return net.JoinHostPort(e.Variable("REDIS_HOST"), e.Variable("REDIS_PORT"))
}

// TLSConfig trusts the Redis, under whatever name it is asked for.
func (e *Emulator) TLSConfig() (*tls.Config, error) {
	pem, err := os.ReadFile(e.Variable("REDIS_CA_FILE"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("emulator: no certificate is in %s", e.Variable("REDIS_CA_FILE"))
	}
	return &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}, nil
}

// Close ends it, and waits until it has gone.
func (e *Emulator) Close() error {
	_ = e.stdin.Close()
	late := time.AfterFunc(stopIn, func() { _ = e.process.Process.Kill() })
	defer late.Stop()
	return e.process.Wait()
}
