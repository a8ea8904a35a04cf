//! What the end-to-end tests share: where things are, and a running emulator.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The folder with what cargo built: `target/debug` or `target/release`, whichever this test is from.
#[must_use]
pub fn built() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

/// A file that cargo built, or a sentence that says how to build it.
///
/// # Panics
/// If it is not there.
#[must_use]
pub fn artifact(name: &str) -> PathBuf {
    let path = built().join(name);
    assert!(
        path.exists(),
        "{} is missing: run `cargo build -p entrakey-cli -p entrakey-ffi`",
        path.display()
    );
    path
}

/// A running emulator; ends when dropped.
pub struct Emulator {
    child: Child,
    /// The environment that points a client at it.
    pub environment: BTreeMap<String, String>,
}

impl Emulator {
    /// Starts `entrakey emulator` on free ports.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start(token_lifetime: &str) -> Self {
        let mut child = Command::new(artifact("entrakey"))
            .args(["emulator", "--format", "json", "--quiet", "--exit-with-parent"])
            .args(["--token-lifetime", token_lifetime])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, environment: serde_json::from_str(&line).unwrap() }
    }

    /// One value of its environment.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.environment.get(name).unwrap_or_else(|| panic!("the emulator does not print {name}"))
    }

    /// How many token requests it has seen.
    ///
    /// # Panics
    /// If it does not answer.
    #[must_use]
    pub fn token_requests(&self) -> u64 {
        let address = self.get("ENTRAKEY_EMULATOR_URL").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /emulator/stats HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let stats: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        stats["token_requests"]["total"].as_u64().unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
