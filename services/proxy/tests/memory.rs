//! A value of 512 MB goes through in constant memory. Alone in its process: its peak is looked at.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

use entrakey_core::{Config, Provider};
use entrakey_proxy::{Options, Proxy, Upstream};
use entrakey_tests::free_port;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

const SIZE: usize = 512 << 20;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn server() -> (Server, u16) {
    let port = free_port();
    let child = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--user",
            "me",
            "on",
            ">token",
            "+@all",
            "~*",
        ])
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server is missing (Debian: apt-get install redis-server)");
    let (server, started) = (Server(child), Instant::now());
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(20), "redis-server does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    (server, port)
}

fn provider() -> Provider {
    let mut config = Config::new();
    config.on_token_request(|request| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = u64::try_from(now.as_millis()).unwrap() + 3_600_000;
        request.complete_as("me".to_owned(), "token".to_owned().into(), Some(end));
    });
    Provider::new(&config).unwrap()
}

/// The most memory that this process has had, in KiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn a_value_of_512_mb_needs_no_more_memory_than_a_small_one() {
    let (_server, port) = server();
    let proxy = Proxy::new(Upstream::plaintext("127.0.0.1", port).unwrap(), provider(), Options::default());
    let (mut client, theirs) = duplex(64 * 1024);
    tokio::spawn(async move { proxy.serve(theirs, None).await });
    client.write_all(b"SET small 1\r\nGET small\r\n").await.unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    let before = peak();
    let chunk = vec![b'x'; 64 * 1024];
    client.write_all(format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${SIZE}\r\n").as_bytes()).await.unwrap();
    for _ in 0..SIZE / chunk.len() {
        client.write_all(&chunk).await.unwrap();
    }
    client.write_all(b"\r\nGET big\r\n").await.unwrap();
    let mut left = "+OK\r\n$536870912\r\n".len() + SIZE + 2;
    let mut buffer = chunk;
    while left > 0 {
        let read = client.read(&mut buffer).await.unwrap();
        assert!(read > 0, "it ended with {left} bytes to come");
        left -= read;
    }
    let grown = peak() - before;
    assert!(grown < 4 * 1024, "the peak has grown by {grown} KiB");
}
