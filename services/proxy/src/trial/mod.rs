//! Against a real redis-server, and the emulator: what a client gets through the proxy is what it gets directly.

mod by_name;
mod cluster;
mod differential;
pub(crate) mod emulated;
mod server;
mod warm;

use crate::{Options, Proxy, Upstream};
use entrakey_core::{Config, Provider};
use server::Server;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a busy machine may need for something that takes no time.
const PATIENCE: Duration = Duration::from_secs(20);
/// Far more often than anybody needs.
const OFTEN: Duration = Duration::from_millis(3);
const USER: &str = "11111111-2222-3333-4444-555555555555";
const TOKEN: &str = "the-first-token";

/// What the server lets in as the user, for an hour.
fn provider(token: &'static str) -> Provider {
    let mut config = Config::new();
    config.on_token_request(move |request| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = u64::try_from(now.as_millis()).unwrap() + 3_600_000;
        request.complete_as(USER.to_owned(), token.to_owned().into(), Some(end));
    });
    Provider::new(&config).unwrap()
}

fn proxy(server: &Server) -> Proxy {
    let upstream = Upstream::plaintext("127.0.0.1", server.port).unwrap();
    Proxy::new(upstream, provider(TOKEN), Options::default())
}

/// A client's end of a connection.
struct Client<S> {
    stream: S,
    received: Vec<u8>,
}

/// Through the proxy.
fn through(proxy: &Proxy) -> Client<DuplexStream> {
    let (ours, theirs) = duplex(64 * 1024);
    let proxy = proxy.clone();
    tokio::spawn(async move { proxy.serve(theirs, None).await });
    Client { stream: ours, received: Vec::new() }
}

async fn direct(server: &Server) -> Client<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    Client { stream, received: Vec::new() }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Reads until `end` has come; everything up to and with it.
    async fn read_to(&mut self, end: &str) -> String {
        let mut seen = 0;
        loop {
            if let Some(at) = memchr::memmem::find(&self.received[seen..], end.as_bytes()) {
                let at = seen + at;
                let rest = self.received.split_off(at + end.len());
                return String::from_utf8_lossy(&std::mem::replace(&mut self.received, rest)).into_owned();
            }
            seen = self.received.len().saturating_sub(end.len());
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            let so_far = || String::from_utf8_lossy(&self.received).into_owned();
            match read {
                Ok(Ok(count)) if count > 0 => {}
                Ok(end_of_it) => panic!("{end_of_it:?} instead of {end:?}, after {:?}", so_far()),
                Err(_) => panic!("no {end:?} came, after {:?}", so_far()),
            }
        }
    }

    /// Reads to the connection's end.
    async fn read_to_end(&mut self) -> String {
        let _ = timeout(PATIENCE, self.stream.read_to_end(&mut self.received)).await.expect("an end");
        String::from_utf8_lossy(&std::mem::take(&mut self.received)).into_owned()
    }

    /// Asks in a line, and reads to the end of an answer that is a line too.
    async fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        self.read_to("\r\n").await
    }
}
