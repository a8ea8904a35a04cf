//! What the end-to-end tests share: where things are, waits with an end, a running emulator, a scripted source.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

pub mod c_programs;
mod ports;
pub mod scripted;

pub use ports::free_port;

use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

/// The longest wait of any test: a busy machine may need that for something that takes no time otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

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
///
/// # Panics
/// If cargo has not said.
#[must_use]
pub fn newest_source(artifact: &Path) -> SystemTime {
    let rule = std::fs::read_to_string(artifact.with_extension("d")).expect("cargo's list of the sources");
    let (_, sources) = rule.trim_end().split_once(": ").unwrap();
    let sources = sources.replace("\\ ", "\0");
    let names = sources.split_whitespace().map(|name| name.replace('\0', " "));
    let changed = |name: String| Path::new(&name).metadata().and_then(|data| data.modified());
    names.map(|name| changed(name).unwrap_or_else(|_| SystemTime::now())).max().unwrap()
}

/// A folder of a test's own, removed when dropped.
pub struct Folder(PathBuf);

impl Folder {
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        static NUMBERS: AtomicU32 = AtomicU32::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("entrakey-{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, which may be run.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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
        Self::start_with(token_lifetime, &[])
    }

    /// With these options besides.
    ///
    /// # Panics
    /// If it does not come up.
    #[must_use]
    pub fn start_with(token_lifetime: &str, options: &[&str]) -> Self {
        let mut child = Command::new(artifact("entrakey"))
            .args(["emulator", "--format", "json", "--quiet", "--exit-with-parent"])
            .args(["--token-lifetime", token_lifetime])
            .args(options)
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
        self.control("GET", "/emulator/stats", None)["token_requests"]["total"].as_u64().unwrap()
    }

    /// The variables of one of its environments: what a program there would find.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn env(&self, kind: &str) -> BTreeMap<String, String> {
        let variables = self.control("GET", &format!("/emulator/environment/{kind}"), None);
        serde_json::from_value(variables).unwrap_or_else(|_| panic!("there is no environment {kind}"))
    }

    /// Asks its control API.
    ///
    /// # Panics
    /// If it does not answer, or refuses.
    pub fn control(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let address = self.get("ENTRAKEY_EMULATOR_URL").trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}"
        );
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap_or_default();
        assert!(status.contains(" 20"), "{method} {path}: {answer}");
        serde_json::from_str(body).unwrap_or_default()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.stdin.take()); // the emulator ends when its standard input closes, and removes its certificate
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill(); // does nothing if the emulator has ended
        let _ = self.child.wait();
    }
}
