package entrakey

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a text that is never shown: whatever is printed, logged or marshalled of it is "[redacted]".
//
// The text is inside a function. Of a value in an unexported field fmt calls no methods, and it follows a pointer there if the
// verb does not suit one (%s).
type Secret struct{ text func() string }

// NewSecret hides a text. The empty text is no secret: the key counts as not set.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{func() string { return text }}
}

func (s Secret) reveal() string {
	if s.text == nil {
		return ""
	}
	return s.text()
}

func (s Secret) String() string {
	if s.text == nil {
		return ""
	}
	return redacted
}

func (s Secret) GoString() string               { return "entrakey.NewSecret(" + redacted + ")" }
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }
func (s Secret) MarshalText() ([]byte, error)   { return []byte(s.String()), nil }
func (s Secret) LogValue() slog.Value           { return slog.StringValue(s.String()) }
