//! A proxy that runs, its log, and a Redis client of twenty lines.

use entrakey_tests::{Emulator, PATIENCE, artifact};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Instant;

/// A proxy; killed when dropped.
pub struct Proxy {
    child: Child,
    lines: Receiver<String>,
    /// What it has said so far.
    pub said: Vec<String>,
}

/// The variables of a virtual machine next to that emulator, and no others but the path.
pub fn machine(emulator: &Emulator) -> BTreeMap<String, String> {
    emulator.env("imds")
}

/// The host and port of the emulator's Redis.
pub fn upstream(emulator: &Emulator) -> String {
    format!("localhost:{}", emulator.get("REDIS_PORT"))
}

/// `entrakey proxy` with these options and variables.
pub fn command(variables: &BTreeMap<String, String>, options: &[&str]) -> Command {
    let mut command = Command::new(artifact("entrakey"));
    command.env_clear().envs(variables).env("PATH", std::env::var("PATH").unwrap_or_default());
    command.arg("proxy").args(options).stdin(Stdio::null());
    command
}

impl Proxy {
    /// In front of that emulator's Redis, with a managed identity, JSON in the log, and these options besides; once it
    /// listens.
    pub fn start(emulator: &Emulator, options: &[&str]) -> Self {
        let upstream = upstream(emulator);
        let common = [upstream.as_str(), "--identity", "managed_identity", "--structured-logs"];
        let mut proxy = Self::run(command(&machine(emulator), &[&common, options].concat()));
        proxy.wait_for("listening on");
        proxy
    }

    /// As it is typed, at once.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Self { child, lines, said: Vec::new() }
    }

    /// The first line with that in it, of those that were said or will be.
    pub fn wait_for(&mut self, part: &str) -> String {
        if let Some(line) = self.said.iter().find(|line| line.contains(part)) {
            return line.clone();
        }
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => panic!("no line with {part:?} ({error}):\n{}", self.said.join("\n")),
            }
        }
    }

    /// What it listens on.
    pub fn listens_on(&mut self) -> String {
        let line: Value = serde_json::from_str(&self.wait_for("listening on")).unwrap();
        line["message"].as_str().unwrap().trim_start_matches("listening on ").to_owned()
    }

    pub fn client(&mut self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.listens_on()).unwrap())
    }

    /// The process's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, number: i32) {
        // SAFETY: a signal to our own child, which has not been reaped.
        unsafe { libc::kill(i32::try_from(self.child.id()).unwrap(), number) };
    }

    /// Waits for its end: what it ended with. All that it said is in `said` then.
    pub fn ended(&mut self) -> i32 {
        let start = Instant::now();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => self.said.push(line),
                Err(RecvTimeoutError::Disconnected) => break, // nobody can say anything any more
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.said.join("\n")),
            }
        }
        let status: ExitStatus = self.child.wait().unwrap();
        status.code().unwrap_or(-1)
    }

    /// All lines in one.
    pub fn log(&self) -> String {
        self.said.join("\n")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill(); // nothing to one that has ended
        let _ = self.child.wait();
    }
}

/// A client that knows nothing but a socket.
pub struct Client<S>(BufReader<S>);

impl Client<TcpStream> {
    pub fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Client<S> {
    pub fn over(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// Sends a command and gives the first line of the answer; nothing at the connection's end.
    pub fn ask(&mut self, command: &str) -> String {
        self.ask_only(command);
        self.hear()
    }

    /// Sends a command.
    pub fn ask_only(&mut self, command: &str) {
        // A proxy that has closed is heard by reading.
        let _ = self.0.get_mut().write_all(format!("{command}\r\n").as_bytes());
    }

    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(_) => line.trim_end().to_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => String::new(),
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

/// Asks over HTTP, with these headers: the status and the body.
pub fn get(port: u16, path: &str, headers: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}
