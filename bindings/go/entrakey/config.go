package entrakey

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"entrakey.invalid/go/entrakey/internal/native"
)

// keys are the values that code sets, by the library's names.
type keys map[string]any

func (k keys) text(name, value string) {
	if value != "" {
		k[name] = value
	}
}

func (k keys) secret(name string, value Secret) { k.text(name, value.reveal()) }

func (k keys) milliseconds(name string, value time.Duration) {
	if value > 0 {
		value += time.Millisecond - 1 // a part of a millisecond is not none
	}
	if value != 0 {
		k[name] = value.Milliseconds()
	}
}

func (k keys) fraction(name string, value *float64) {
	if value != nil {
		k[name] = *value
	}
}

func (k keys) boolean(name string, value *bool) {
	if value != nil {
		k[name] = *value
	}
}

func (c *Config) apply(made native.Handle, provider *identity) error {
	values := c.keys()
	for name, value := range values {
		if text, ok := value.(string); ok && !utf8.ValidString(text) { // which JSON would replace without a word
			return &Error{Kind: ErrInvalidConfig, Message: fmt.Sprintf("%s is not valid UTF-8.", name)}
		}
	}
	object, err := json.Marshal(values)
	if err != nil {
		return &Error{Kind: ErrInvalidConfig, Message: err.Error() + "."} // a fraction that is no number
	}
	if failure := native.ConfigSetJSON(made, string(object)); failure != nil {
		return failed(failure)
	}
	if c.TokenSource != nil {
		if failure := native.ConfigOnTokenRequest(made, forTokens(provider, c.TokenSource)); failure != nil {
			return failed(failure)
		}
	}
	if c.AssertionSource != nil {
		return failed(native.ConfigOnAssertionRequest(made, forAssertions(provider, c.AssertionSource)))
	}
	return nil
}
