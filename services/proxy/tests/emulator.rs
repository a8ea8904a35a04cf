//! TLS, real tokens of a few seconds, and a Redis that checks them: the proxy as it is used.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

use entrakey_core::{Config, Provider};
use entrakey_emulator::{Emulator, Fault, Options as EmulatorOptions, RedisFault};
use entrakey_proxy::{DialFailure, Options, Proxy, Upstream};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, copy_bidirectional, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

struct Bench {
    emulator: Emulator,
    proxy: Proxy,
    provider: Provider,
    _folder: Folder,
}

struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Of the emulator's machine, trusting that authority too.
fn provider(emulator: &Emulator, ca_file: Option<&str>) -> Provider {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", &format!("http://{}", emulator.http_address())).unwrap();
    ca_file.into_iter().for_each(|path| config.set("ca_file", path).unwrap());
    Provider::new(&config).unwrap()
}

fn verified(provider: &Provider, host: &str, port: u16) -> Upstream {
    Upstream::verified(host, port, Arc::new(provider.server_tls().unwrap())).unwrap()
}

impl Bench {
    async fn start(lifetime: u64, change: impl FnOnce(Upstream) -> Upstream) -> Self {
        let options = EmulatorOptions::default().with_token_lifetime(Duration::from_secs(lifetime));
        let emulator = Emulator::start(options).await.unwrap();
        let port = emulator.redis_address().port();
        let folder =
            Folder(std::env::temp_dir().join(format!("entrakey-proxy-ca-{}-{port}", std::process::id())));
        std::fs::create_dir_all(&folder.0).unwrap();
        let ca = folder.0.join("ca.pem");
        std::fs::write(&ca, emulator.ca_pem()).unwrap();
        let provider = provider(&emulator, ca.to_str());
        let upstream = verified(&provider, "127.0.0.1", port);
        let upstream = change(upstream.with_connect_timeout(PATIENCE));
        let proxy = Proxy::new(upstream, provider.clone(), Options::default());
        Self { emulator, proxy, provider, _folder: folder }
    }

    fn connect(&self) -> DuplexStream {
        let (ours, theirs) = duplex(64 * 1024);
        let proxy = self.proxy.clone();
        tokio::spawn(async move { proxy.serve(theirs, None).await });
        ours
    }
}

async fn heard(client: &mut DuplexStream) -> String {
    let mut some = Vec::new();
    let read = timeout(PATIENCE, client.read_buf(&mut some)).await.expect("an answer").unwrap();
    assert!(read > 0, "the connection has ended");
    String::from_utf8(some).unwrap()
}

async fn ask(client: &mut DuplexStream, line: &str) -> String {
    client.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n") {
        let read = timeout(PATIENCE, client.read_buf(&mut answer)).await.expect("an answer").unwrap();
        if read == 0 {
            break;
        }
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_outlive_their_tokens_and_no_client_notices() {
    let bench = Bench::start(6, |upstream| upstream).await;
    let found = bench.proxy.test().await.unwrap();
    assert!(!found.username.is_empty());
    let (mut busy, mut idle, mut subscriber) = (bench.connect(), bench.connect(), bench.connect());
    assert_eq!(ask(&mut idle, "SET a 1").await, "+OK\r\n");
    assert!(ask(&mut subscriber, "SUBSCRIBE c").await.ends_with(":1\r\n"));
    let started = Instant::now();
    while bench.provider.version() < 4 {
        assert_eq!(ask(&mut busy, "INCR n").await.get(..1), Some(":"));
        assert!(started.elapsed() < PATIENCE * 2, "the tokens are not renewed");
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(ask(&mut idle, "GET a").await, "$1\r\n1\r\n", "idle for longer than a token lives");
    assert_eq!(ask(&mut busy, "PUBLISH c hello").await, ":1\r\n");
    subscriber.write_all(b"PING\r\n").await.unwrap();
    let mut told = String::new();
    while !told.ends_with("$4\r\npong\r\n$0\r\n\r\n") {
        told += &heard(&mut subscriber).await;
    }
    assert_eq!(told, "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n");
    let counts = bench.proxy.observe().counts();
    assert_eq!(
        (counts.reauth[1], counts.upstream_closed[1]),
        (("refused", 0), ("upstream", 0)),
        "{counts:?}"
    );
    let status = bench.provider.status();
    assert_eq!((status.listeners.connections, status.counters.reauths_rejected), (3, 0), "{status:?}");
    assert!(counts.reauth[0].1 >= 3 * 2 && counts.connections[1] == ("connected", 3), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_a_client_waits_and_then_is_told_why_once() {
    let soon = Duration::from_secs(2);
    let bench = Bench::start(3600, |upstream| upstream.with_connect_timeout(soon)).await;
    let down = Fault { status: Some(500), ..Fault::default() };
    bench.emulator.add_faults("imds", std::iter::repeat_n(down, 100)).unwrap();
    let mut client = bench.connect();
    client.write_all(b"GET a\r\nGET b\r\n").await.unwrap();
    let mut said = String::new();
    timeout(PATIENCE, client.read_to_string(&mut said)).await.expect("an end").unwrap();
    assert!(
        said.starts_with("-ERR entrakey proxy: There is no token: ") && said.matches('\n').count() == 1,
        "{said}"
    );
    assert_eq!(bench.proxy.observe().counts().refused[0], ("token", 1));
    bench.emulator.clear_faults();
    bench.provider.refresh().unwrap();
    let mut client = bench.connect();
    let started = Instant::now();
    while ask(&mut client, "PING").await != "+PONG\r\n" {
        assert!(started.elapsed() < PATIENCE, "it does not heal");
        client = bench.connect();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_connection_from_being_made_is_said_and_what_to_do() {
    let bench = Bench::start(3600, |upstream| upstream).await;
    let port = bench.emulator.redis_address().port();
    let stranger = provider(&bench.emulator, None);
    let fail = async |host: &str, port: u16, provider: &Provider| {
        let upstream = verified(provider, host, port);
        let upstream = upstream.with_connect_timeout(Duration::from_secs(10));
        let proxy = Proxy::new(upstream, bench.provider.clone(), Options::default());
        let error = proxy.test().await.unwrap_err();
        (error.failure, error.to_string())
    };
    let (failure, said) = fail("127.0.0.1", port, &stranger).await;
    assert_eq!(failure, DialFailure::Certificate, "{said}");
    // Whose it is and what to do; and nothing of rustls's own (`Other(OtherError(…))`).
    assert!(said.contains("its certificate (for ") && said.contains("ca_file"), "{said}");
    assert!(!said.contains("Error"), "{said}");
    let (failure, said) = fail("127.0.0.2", port, &bench.provider).await;
    assert!(matches!(failure, DialFailure::Connect | DialFailure::Certificate), "{said}");
    let (failure, said) = fail("127.0.0.1", bench.emulator.http_address().port(), &bench.provider).await;
    assert_eq!(failure, DialFailure::NotTls, "{said}");
    assert!(said.contains("does not speak TLS"), "{said}");
    let (failure, said) = fail("no-such-host.invalid", port, &bench.provider).await;
    assert_eq!(failure, DialFailure::Resolve, "{said}");
    let (failure, said) = fail("127.0.0.1", entrakey_tests::free_port(), &bench.provider).await;
    assert_eq!(failure, DialFailure::Connect, "{said}");
}

/// Hands on what comes, once it may.
async fn hold_up(listener: TcpListener, to: SocketAddr, may: oneshot::Receiver<()>) {
    let (mut client, _) = listener.accept().await.unwrap();
    may.await.unwrap();
    let mut server = TcpStream::connect(to).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await; // both ends may go
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_takes_long_is_made_with_the_token_that_is_the_newest_then() {
    let bench = Bench::start(6, |upstream| upstream).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = verified(&bench.provider, "127.0.0.1", listener.local_addr().unwrap().port());
    let proxy =
        Proxy::new(upstream.with_connect_timeout(PATIENCE), bench.provider.clone(), Options::default());
    let (go, may) = oneshot::channel();
    tokio::spawn(hold_up(listener, bench.emulator.redis_address(), may));
    let (mut client, theirs) = duplex(1024);
    let served = proxy.clone();
    tokio::spawn(async move { served.serve(theirs, None).await });
    client.write_all(b"PING\r\n").await.unwrap();
    let started = Instant::now();
    while bench.provider.version() < 2 {
        assert!(started.elapsed() < PATIENCE, "the token is not renewed");
        sleep(Duration::from_millis(5)).await;
    }
    go.send(()).unwrap();
    let mut answer = [0; 7];
    timeout(PATIENCE, client.read_exact(&mut answer)).await.expect("an answer").unwrap();
    let (counts, rejections) = (proxy.observe().counts(), bench.provider.status().counters.auth_rejections);
    assert!(&answer == b"+PONG\r\n" && rejections.is_empty(), "{rejections:?}");
    assert!(counts.reauth[0].1 == 0 || bench.provider.version() > 2, "{counts:?}");
}

/// Sleeps until that moment, in milliseconds since the Unix epoch.
async fn sleep_until(unix_ms: u64) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    sleep(Duration::from_millis(unix_ms).saturating_sub(now)).await;
}

/// CLIENT UNBLOCK on another connection can be faster than the command that it is to end.
#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_server_reads_after_its_unblock_outlives_its_token() {
    let bench = Bench::start(24, |upstream| upstream).await;
    let (mut client, mut other) = (bench.connect(), bench.connect());
    assert_eq!(ask(&mut client, "PING").await, "+PONG\r\n");
    let token = bench.provider.get_token().unwrap();
    sleep_until(token.refresh_unix_ms() - 300).await;
    // It is read when the next token is there.
    let late = RedisFault { command: Some("BLPOP".to_owned()), delay_ms: 2_000, ..RedisFault::default() };
    bench.emulator.redis().add_faults([late]).unwrap();
    client.write_all(b"BLPOP q 0\r\n").await.unwrap();
    sleep_until(token.expires_unix_ms() + 500).await;
    assert_eq!(ask(&mut other, "RPUSH q 1").await, ":1\r\n");
    let mut answer = [0; 18];
    timeout(PATIENCE, client.read_exact(&mut answer)).await.expect("an element").expect("no end");
    assert_eq!(&answer, b"*2\r\n$1\r\nq\r\n$1\r\n1\r\n");
}
