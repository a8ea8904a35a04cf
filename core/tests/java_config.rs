//! The methods of `entrakey.ProviderBuilder` in Java are the crate's keys; this test fails when the two differ.
//!
//! `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` writes them anew. What is not a key stands in the template below.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod keys;

use entrakey_core::{KEYS, Key, KeyType};
use std::fmt::Write as _;

const HEAD: &str = r#"// Written by `ENTRAKEY_UPDATE=1 cargo test -p entrakey-core` from the table of keys. Do not edit.

package entrakey;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * What a {@link Provider} is made from. What is not set comes from the environment (ENTRAKEY_KEY, then Azure's own variables),
 * then from the file that {@link #configFile} names. A value is taken literally, also one with "${". Not for several threads.
 */
public final class ProviderBuilder {
    private final Map<String, String> values = new LinkedHashMap<>();
    private TokenSource tokens;
    private AssertionSource assertions;
    private Consumer<Event> observer;

    ProviderBuilder() {}

    /**
     * A provider. Reads the environment, now and never again; does no network I/O.
     *
     * @return a new one at each call
     * @throws EntrakeyException of kind {@link ErrorKind#INVALID_CONFIG}, or {@link ErrorKind#INTERNAL} if the native library cannot be
     *     loaded
     */
    public Provider build() {
        Wire.Writer entries = new Wire.Writer();
        values.forEach((key, value) -> entries.text(key, key).text(key, value));
        try {
            Native opened = Native.open(entries.done(), tokens != null, assertions != null, observer != null);
            return new Provider(opened, tokens, assertions, observer);
        } finally {
            entries.wipe();
        }
    }

    /**
     * Sets a key by its name in docs/configuration.md, as a text; for what reads configurations.
     *
     * @param key the key: {@code client_id}
     * @param value the value; times are whole milliseconds
     * @return this
     */
    public ProviderBuilder set(String key, String value) {
        values.put(Objects.requireNonNull(key, "key"), Objects.requireNonNull(value, key));
        return this;
    }

    /**
     * Makes the program the source of tokens.
     *
     * @param source is asked for each token
     * @return this
     */
    public ProviderBuilder tokenSource(TokenSource source) {
        tokens = Objects.requireNonNull(source, "source");
        return this;
    }

    /**
     * Makes the program the source of the assertions with which the application of {@link #tenantId} and {@link #clientId} signs in.
     *
     * @param source is asked for each assertion
     * @return this
     */
    public ProviderBuilder assertionSource(AssertionSource source) {
        assertions = Objects.requireNonNull(source, "source");
        return this;
    }

    /**
     * Gives the provider's events to an observer, in their order, on a thread of this library's. An observer that is too slow misses some,
     * which are counted ({@code events_dropped}).
     *
     * @param observer is called with each event
     * @return this
     */
    public ProviderBuilder onEvent(Consumer<Event> observer) {
        this.observer = Objects.requireNonNull(observer, "observer");
        return this;
    }

    /** Names the keys that are set, and no value. */
    @Override
    public String toString() {
        return "ProviderBuilder" + values.keySet();
    }

    private static String millis(Duration value) {
        return Long.toString(Wire.millis(value));
    }
"#;

/// `client_id` is `clientId`, `request_timeout_ms` is `requestTimeout`.
fn method(name: &str) -> String {
    let words = name.trim_end_matches("_ms").split('_');
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    words.enumerate().map(|(at, word)| if at == 0 { word.to_owned() } else { capital(word) }).collect()
}

/// The type in Java, and how a value of it becomes text.
fn kind(key: &Key) -> (&'static str, &'static str) {
    match key.kind {
        KeyType::Milliseconds(_) => ("Duration", "millis(value)"),
        KeyType::Fraction => ("double", "Double.toString(value)"),
        KeyType::Boolean => ("boolean", "Boolean.toString(value)"),
        _ => ("String", "value"),
    }
}

/// The text as a comment of javadoc's: in HTML, with code as such, and in lines that fit.
fn javadoc(key: &Key) -> String {
    let text =
        keys::doc(key).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "&#64;");
    let mut code = false;
    let text = text.split('`').fold(String::new(), |text, part| {
        let joined = if code { format!("{text}<code>{part}</code>") } else { text + part };
        code = !code;
        joined
    });
    let (mut lines, mut line) = (String::new(), String::new());
    for word in text.split(' ') {
        if line.len() + word.len() > 110 {
            writeln!(lines, "     * {}", line.trim_end()).unwrap();
            line.clear();
        }
        line += word;
        line.push(' ');
    }
    writeln!(lines, "     * {}", line.trim_end()).unwrap();
    lines
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for key in KEYS {
        let (name, (kind, value), doc) = (method(key.name), kind(key), javadoc(key));
        let what = if kind == "Duration" { "the time, at least whole milliseconds" } else { "the value" };
        let key = key.name;
        write!(
            page,
            "\n    /**\n{doc}     *\n     * @param value {what}\n     * @return this\n     */\n    public ProviderBuilder {name}({kind} value) {{\n        return set(\"{key}\", {value});\n    }}\n"
        )
        .unwrap();
    }
    page + "}\n"
}

#[test]
fn the_methods_of_the_builder_in_java_are_the_keys() {
    keys::check("bindings/java/entrakey/src/main/java/entrakey/ProviderBuilder.java", &page());
}
