//! The Redis plane beside a redis-server with TLS, both under redis-benchmark in one run; and what an AUTH costs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement that cannot go on should stop"
)]

use entrakey_emulator::{Emulator, Options};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const ROUNDS: usize = 5;
const CONNECTIONS: &str = "50";
const PIPELINE: &str = "16";

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server under test, as redis-benchmark is told of it.
struct Target {
    name: &'static str,
    arguments: Vec<String>,
}

fn main() {
    let folder = Folder(std::env::temp_dir().join(format!("entrakey-bench-{}", std::process::id())));
    std::fs::create_dir_all(&folder.0).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let emulator = runtime.block_on(Emulator::start(Options::default())).unwrap();
    let (user, token) = token(emulator.http_address());
    let ca = folder.0.join("emulator-ca.pem");
    std::fs::write(&ca, emulator.ca_pem()).unwrap();
    let address = |port: u16, ca: &Path| {
        ["-h", "127.0.0.1", "-p", &port.to_string(), "--tls", "--cacert", &ca.display().to_string()]
            .map(str::to_owned)
    };
    let mut ours =
        Target { name: "emulator", arguments: address(emulator.redis_address().port(), &ca).to_vec() };
    ours.arguments.extend(["--user", &user, "-a", &token].map(str::to_owned));
    let (_server, port, ca) = redis_server(&folder.0);
    let theirs = Target { name: "redis-server", arguments: address(port, &ca).to_vec() };

    println!("GET, {CONNECTIONS} connections, pipeline {PIPELINE}, TLS, median of {ROUNDS} rounds in turn:");
    let load = ["-t", "get", "-c", CONNECTIONS, "-P", PIPELINE, "-n", "200000"];
    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (target, rates) in [&ours, &theirs].into_iter().zip(&mut rates) {
            rates.push(benchmark(target, &load).rate);
        }
    }
    let [ours_rate, theirs_rate] = rates.map(median);
    println!("  {:<14}{ours_rate:>10.0} a second", ours.name);
    println!("  {:<14}{theirs_rate:>10.0} a second", theirs.name);
    println!("  ratio         {:>10.2} (to reach: 0.5)", ours_rate / theirs_rate);

    let auth = benchmark(&ours, &["-c", "1", "-n", "3000", "AUTH", &user, &token]);
    let ping = benchmark(&ours, &["-c", "1", "-n", "3000", "PING"]);
    println!(
        "AUTH with signature check, one connection: median {:.3} ms (to reach: 1), PING {:.3} ms",
        auth.p50, ping.p50
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

struct Measured {
    rate: f64,
    p50: f64,
}

fn benchmark(target: &Target, load: &[&str]) -> Measured {
    let out = Command::new("redis-benchmark").args(&target.arguments).arg("--csv").args(load).output();
    let out = out.expect("redis-benchmark is missing (Debian: apt-get install redis-tools)");
    let text = String::from_utf8_lossy(&out.stdout);
    let line = text.lines().nth(1).unwrap_or_else(|| panic_with(&out.stderr));
    // The last ones: the name of the test may contain commas.
    let mut columns = line.rsplit(',').map(|column| column.trim_matches('"').parse::<f64>().unwrap());
    let (_max, _p99, _p95) = (columns.next(), columns.next(), columns.next());
    let (p50, _min, _average, rate) = (columns.next(), columns.next(), columns.next(), columns.next());
    Measured { rate: rate.unwrap(), p50: p50.unwrap() }
}

fn panic_with(said: &[u8]) -> ! {
    eprintln!("redis-benchmark: {}", String::from_utf8_lossy(said));
    std::process::exit(1)
}

/// A redis-server with TLS and no password, its port, and the file of its certificate.
fn redis_server(folder: &Path) -> (Server, u16, PathBuf) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("server.pem"), folder.join("server.key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new("redis-server")
        .args(["--port", "0", "--tls-port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--tls-auth-clients", "no", "--tls-cert-file"])
        .arg(&certificate)
        .arg("--tls-key-file")
        .arg(&key)
        .arg("--tls-ca-cert-file")
        .arg(&certificate)
        .arg("--dir")
        .arg(folder)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is missing (Debian: apt-get install redis-server)");
    let server = Server(child);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::sleep(Duration::from_millis(5));
    }
    (server, port, certificate)
}

/// The object id and a token of the emulated machine.
fn token(imds: SocketAddr) -> (String, String) {
    let mut stream = TcpStream::connect(imds).unwrap();
    let path = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://redis.azure.com";
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\nMetadata: true\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    (emulator_object_id(&token), token)
}

fn emulator_object_id(token: &str) -> String {
    use base64::Engine as _;
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
    claims["oid"].as_str().unwrap().to_owned()
}
