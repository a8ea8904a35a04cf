//! Clients that ask one after the other, each on its own connection: how many answers a second there are.
//!
//!     load PORT CLIENTS SECONDS SECRET        prints the number of answers a second

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Failure = Box<dyn std::error::Error + Send + Sync>;

struct Load {
    request: String,
    port: u16,
    begun: AtomicBool,
    ended: AtomicBool,
    answers: AtomicU64,
}

impl Load {
    async fn client(&self) -> Result<(), Failure> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let (mut buffer, mut filled) = (vec![0; 64 * 1024], 0);
        let mut length = 0;
        while !self.ended.load(Relaxed) {
            stream.write_all(self.request.as_bytes()).await?;
            while length == 0 || filled < length {
                let read = stream.read(&mut buffer[filled..]).await?;
                if read == 0 {
                    return Err("the connection was closed".into());
                }
                filled += read;
                if length == 0 {
                    length = whole(&buffer[..filled])?; // all answers are of one length
                }
            }
            filled = 0;
            if self.begun.load(Relaxed) {
                self.answers.fetch_add(1, Relaxed);
            }
        }
        Ok(())
    }
}

/// How long an answer is with its head; 0 if the head is not there yet.
fn whole(answer: &[u8]) -> Result<usize, Failure> {
    let text = String::from_utf8_lossy(answer);
    let Some((head, _)) = text.split_once("\r\n\r\n") else { return Ok(0) };
    if !head.starts_with("HTTP/1.1 200") {
        return Err(head.to_owned().into());
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let length: usize = length.ok_or("an answer without a length")?;
    Ok(head.len() + 4 + length)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<_> = std::env::args().collect();
    let [_, port, clients, seconds, secret] = words.as_slice() else {
        return Err("usage: load PORT CLIENTS SECONDS SECRET".into());
    };
    let port: u16 = port.parse()?;
    let request = format!(
        "GET /msi/token?api-version=2019-08-01&resource=https://redis.azure.com HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         X-IDENTITY-HEADER: {secret}\r\n\r\n"
    );
    let load = Load { request, port, begun: false.into(), ended: false.into(), answers: 0.into() };
    let load = Arc::new(load);
    let clients: usize = clients.parse()?;
    let all: Vec<_> = (0..clients)
        .map(|_| {
            let load = load.clone();
            tokio::spawn(async move { load.client().await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await; // until all are connected
    let begin = Instant::now();
    load.begun.store(true, Relaxed);
    tokio::time::sleep(Duration::from_secs(seconds.parse()?)).await;
    load.ended.store(true, Relaxed);
    let rate = load.answers.load(Relaxed) as f64 / begin.elapsed().as_secs_f64();
    for one in all {
        one.await??;
    }
    writeln!(std::io::stdout(), "{rate:.0}")?;
    Ok(())
}
