package entrakey_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrakey.invalid/go/entrakey"
	"entrakey.invalid/go/entrakey/emulator"
)

// contractCase is described in tests/README.md.
type contractCase struct {
	Name, Environment string
	Without           []string
	With              map[string]string
	Config            map[string]string
	Files             map[string]string
	Faults            []json.RawMessage
	Expect            struct {
		Username, Error *string
		Retriable       *bool
		AADSTS          *uint32
		Says            []string
	}
	Secrets []string
}

// TestTheContractThatAllLanguagesKeep runs tests/vectors/identities.json: a program finds itself in an environment, makes a
// provider from a configuration and asks it for a token once.
func TestTheContractThatAllLanguagesKeep(t *testing.T) {
	text, err := os.ReadFile("../../../tests/vectors/identities.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []contractCase
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	fields, err := os.ReadFile("config_keys.go")
	if err != nil {
		t.Fatal(err)
	}
	azure, err := emulator.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer azure.Close()
	for _, c := range cases {
		if !strings.Contains(c.Name, os.Getenv("ENTRAKEY_CASE")) {
			continue
		}
		if key := c.keyWithoutField(string(fields)); key != "" {
			if c.Expect.Error == nil || *c.Expect.Error != "INVALID_CONFIG" {
				t.Errorf("%s: Config has no field for %s", c.Name, key)
			}
			continue // the compiler refuses what other languages do when they run
		}
		t.Run(c.Name, func(t *testing.T) { c.run(t, azure) })
	}
}

// keyWithoutField is a key of the case that Config knows nothing of.
func (c *contractCase) keyWithoutField(fields string) string {
	for key := range c.Config {
		if !strings.HasSuffix(key, "_callback") && !strings.Contains(fields, "(\""+key+"\",") {
			return key
		}
	}
	return ""
}

func (c *contractCase) run(t *testing.T, azure *emulator.Emulator) {
	environment, err := azure.Environment(c.Environment)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := os.MkdirTemp("", "entrakey") // a path with the name of the test in it looks like a token, and is not shown
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	values := map[string]string{"folder": folder}
	for _, place := range []string{"default", "imds", "app_service", "azure_ml", "arc", "cloud_shell", "service_fabric", "client_secret", "client_certificate", "workload_identity", "azure_pipelines"} {
		variables, err := azure.Environment(place)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range variables {
			values[name] = value
		}
	}
	for name, value := range environment {
		values[name] = value
	}
	for name := range c.Files {
		values["file:"+name] = filepath.Join(folder, name)
	}
	for name, content := range c.Files {
		if err := os.WriteFile(values["file:"+name], []byte(filled(t, content, values)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{child: "contract", "PATH": os.Getenv("PATH"), "NO_PROXY": os.Getenv("NO_PROXY"), "HOME": folder,
		"ENTRAKEY_LIBRARY": os.Getenv("ENTRAKEY_LIBRARY"),
		"GORACE":           "atexit_sleep_ms=0"} // else the race detector waits a second at the end of each case
	for name, value := range environment {
		variables[name] = value
	}
	for _, name := range c.Without {
		delete(variables, name)
	}
	for name, value := range c.With {
		variables[name] = filled(t, value, values)
	}
	if err := azure.Control(http.MethodDelete, "/emulator/faults", nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, fault := range c.Faults {
		if err := azure.Control(http.MethodPost, "/emulator/faults", json.RawMessage(filled(t, string(fault), values)), nil); err != nil {
			t.Fatal(err)
		}
	}
	program := exec.Command(os.Args[0])
	for name, value := range variables {
		program.Env = append(program.Env, name+"="+value)
	}
	for key, value := range c.Config {
		program.Args = append(program.Args, key, filled(t, value, values))
	}
	said, err := program.CombinedOutput()
	if err != nil {
		t.Fatal(err, string(said))
	}
	c.check(t, string(said), values)
}

func (c *contractCase) check(t *testing.T, said string, values map[string]string) {
	field := func(name string) string {
		found := regexp.MustCompile(`(?m)^` + name + `: (.*)$`).FindStringSubmatch(said)
		if found == nil {
			return ""
		}
		return found[1]
	}
	expect := func(name string, value any) {
		if field(name) != fmt.Sprint(value) {
			t.Errorf("%s should be %v: %s", name, value, said)
		}
	}
	if c.Expect.Username != nil {
		expect("username", filled(t, *c.Expect.Username, values))
	}
	if c.Expect.Error != nil {
		expect("error", *c.Expect.Error)
	}
	if c.Expect.Retriable != nil {
		expect("retriable", *c.Expect.Retriable)
	}
	if c.Expect.AADSTS != nil {
		expect("aadsts", *c.Expect.AADSTS)
	}
	plain := func(text string) string { return strings.ReplaceAll(strings.ToLower(text), "_", "") }
	for _, part := range c.Expect.Says {
		if !strings.Contains(plain(field("message")), plain(filled(t, part, values))) {
			t.Errorf("it does not say %q: %s", part, said)
		}
	}
	for _, secret := range c.Secrets {
		if strings.Contains(said, filled(t, secret, values)) {
			t.Errorf("%.8s... was shown", secret)
		}
	}
}

var placeholder = regexp.MustCompile(`\$?\$\{([^}]*)\}`)

func filled(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	text = strings.ReplaceAll(text, "$${", "\x00")
	text = placeholder.ReplaceAllStringFunc(text, func(found string) string {
		name := found[2 : len(found)-1]
		if file, ok := strings.CutPrefix(name, "content:"); ok {
			content, err := os.ReadFile(values[file])
			if err != nil {
				t.Fatal(err)
			}
			return string(content)
		}
		value, known := values[name]
		if !known {
			t.Fatalf("%s: nothing is called %s", text, name)
		}
		return value
	})
	return strings.ReplaceAll(text, "\x00", "${")
}

// contractProgram is the program of a case: `key value ...` and one Token.
func contractProgram(words []string) {
	var config entrakey.Config
	supplied := func(text string) (string, error) {
		if reason, fails := strings.CutPrefix(text, "!"); fails {
			return "", errors.New(reason)
		}
		return text, nil
	}
	for i := 0; i+1 < len(words); i += 2 {
		value := words[i+1]
		switch words[i] {
		case "token_callback":
			config.TokenSource = func(context.Context, string) (entrakey.AccessToken, error) {
				secret, err := supplied(value)
				return entrakey.AccessToken{Secret: secret}, err
			}
		case "assertion_callback":
			config.AssertionSource = func(context.Context) (string, error) { return supplied(value) }
		default:
			setField(&config, words[i], value)
		}
	}
	provider, err := entrakey.New(config)
	if err == nil {
		var token *entrakey.Token
		if token, err = provider.Token(context.Background()); err == nil {
			status, _ := provider.Status()
			fmt.Printf("username: %s\nversion: %d\nshown: %v %+v %#v %v %s\n", token.Username(), token.Version(), token, *token, config, provider, status)
			_ = provider.Close()
			return
		}
	}
	var said *entrakey.Error
	if !errors.As(err, &said) {
		fmt.Println("no error of entrakey's:", err)
		return
	}
	fmt.Printf("error: %v\nretriable: %v\naadsts: %d\nmessage: %s\nshown: %v %+v %#v\n", said.Kind, said.Retriable, said.AADSTS, strings.ReplaceAll(said.Message, "\n", " "), err, said, config)
}

// setField sets the field of a key, as a program would write it.
func setField(config *entrakey.Config, key, value string) {
	wanted := strings.ReplaceAll(strings.TrimSuffix(key, "_ms"), "_", "")
	fields := reflect.ValueOf(config).Elem()
	field := fields.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, wanted) })
	switch kind := field.Addr().Interface().(type) {
	case *string:
		*kind = value
	case *entrakey.Secret:
		*kind = entrakey.NewSecret(value)
	case *time.Duration:
		*kind, _ = time.ParseDuration(value + "ms")
	case **float64:
		*kind = new(float64)
		_, _ = fmt.Sscan(value, *kind)
	case **bool:
		*kind = of(value == "true" || value == "1")
	}
}
