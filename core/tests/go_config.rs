//! The fields of `entrakey.Config` in Go are the crate's keys; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes them anew. What is not a key stands in the template below.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod keys;

use entrakey_core::{KEYS, Key, KeyType};
use std::fmt::Write as _;

const HEAD: &str = "// Written by `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` from the table of keys. Do not edit.

package entrakey

import (
	\"context\"
	\"log/slog\"
	\"time\"
)

// Config is what a provider is made from. A field that is not set comes from the environment (ENTRAKEY_<KEY>, then Azure's own
// variables), then from the file that ConfigFile names. A value is taken literally, also one with \"${\". Pointers are for
// values of which the zero value is one too.
type Config struct {
";

const TAIL: &str = "	// TokenSource makes the program the source of tokens: it is asked for each. ctx ends when the provider stops waiting.
	TokenSource func(ctx context.Context, scope string) (AccessToken, error)
	// AssertionSource makes the program the source of the client assertions with which the application of TenantID and ClientID
	// signs in: JWTs that Entra trusts by a federated credential.
	AssertionSource func(ctx context.Context) (string, error)
	// Logger gets the provider's events: INFO for a new token, WARN when something gets worse, DEBUG for each single step. Levels
	// that it does not take when the provider is made are never made.
	Logger *slog.Logger
}

func (c *Config) keys() keys {
	k := keys{}
";

/// `client_id` is `ClientID`, `request_timeout_ms` is `RequestTimeout`.
fn field(name: &str) -> String {
    let capital = |word: &str| match word {
        "ca" | "id" | "uri" | "imds" | "oidc" | "cli" => word.to_uppercase(),
        _ => word[..1].to_uppercase() + &word[1..],
    };
    name.trim_end_matches("_ms").split('_').map(capital).collect()
}

/// The type in Go, and the deed of `keys` that takes it.
fn kind(key: &Key) -> (&'static str, &'static str) {
    match key.kind {
        KeyType::Secret | KeyType::Pem | KeyType::Certificate => ("Secret", "secret"),
        KeyType::Milliseconds(_) => ("time.Duration", "milliseconds"),
        KeyType::Fraction => ("*float64", "fraction"),
        KeyType::Boolean => ("*bool", "boolean"),
        _ => ("string", "text"),
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for key in KEYS {
        let (name, (kind, _)) = (field(key.name), kind(key));
        let doc = keys::doc(key);
        writeln!(page, "\t// {name} ({}): {doc}\n\t{name} {kind}", key.name).unwrap();
    }
    page += TAIL;
    for key in KEYS {
        writeln!(page, "\tk.{}({:?}, c.{})", kind(key).1, key.name, field(key.name)).unwrap();
    }
    page + "\treturn k\n}\n"
}

#[test]
fn the_fields_of_the_config_in_go_are_the_keys() {
    keys::check("bindings/go/entrakey/config_keys.go", &page());
}
