//! What the end-to-end tests share: where things are, waits with an end, a running emulator, a scripted source.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

pub mod scripted;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

/// What a busy machine may need for something that takes no time. Nothing here waits longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until `condition` holds.
///
/// # Panics
/// With `what`, if it does not come to hold.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The next connection; reading from it has an end too.
///
/// # Panics
/// If none comes.
#[must_use]
pub fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).unwrap();
    let mut accepted = None;
    wait_until("a connection", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (stream, _) = accepted.unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

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
/// If it is not there, or older than its sources: `cargo test` builds neither, and a test of what was there
/// before the last change says nothing.
#[must_use]
pub fn artifact(name: &str) -> PathBuf {
    let path = built().join(name);
    let state = match path.metadata().and_then(|data| data.modified()) {
        Err(_) => "missing",
        Ok(made) if newest_source(&path) > made => "older than its sources",
        Ok(_) => return path,
    };
    panic!("{} is {state}: run `cargo build -p entrakey-cli -p entrakey-ffi`", path.display());
}

/// When the newest of the files that `artifact` was made of was changed; now, if one has gone. Cargo lists
/// them beside it, like make: `artifact: source source …`, a space inside a name written `\ `.
fn newest_source(artifact: &Path) -> SystemTime {
    let rule = std::fs::read_to_string(artifact.with_extension("d")).expect("cargo's list of the sources");
    let (_, sources) = rule.trim_end().split_once(": ").unwrap();
    let sources = sources.replace("\\ ", "\0");
    let names = sources.split_whitespace().map(|name| name.replace('\0', " "));
    let changed = |name: String| Path::new(&name).metadata().and_then(|data| data.modified());
    names.map(|name| changed(name).unwrap_or_else(|_| SystemTime::now())).max().unwrap()
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
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = output.read_line(&mut line).map(|_| sender.send(line)); // the receiver may have given up
        });
        let line = said.recv_timeout(PATIENCE).expect("the emulator says nothing");
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
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /emulator/stats HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let stats: Value = serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap();
        stats["token_requests"]["total"].as_u64().unwrap()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // it ends with its parent, and takes its certificate away
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill(); // nothing to one that has ended
        let _ = self.child.wait();
    }
}
