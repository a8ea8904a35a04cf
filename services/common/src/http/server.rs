//! One connection after the other, within limits.

use super::guard::guard;
use crate::{Life, Stage};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// More than all probers and scrapers have open. With that many the newest takes the oldest one's place: a process that
/// connects and says nothing keeps no probe from its answer, which takes a moment.
const MOST_CONNECTIONS: usize = 64;
/// For the whole head of a request; also how long a connection may idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// For everything that is asked and answered on one connection: whoever does not read must not keep a place for ever.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
const MOST_HEAD_BYTES: usize = 16 * 1024;

/// A router on a port.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    router: Router,
    address: SocketAddr,
}

impl HttpServer {
    /// # Errors
    /// The listener has no address.
    pub fn new(listener: TcpListener, router: Router) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let router = router.layer(from_fn(move |request: Request, next: Next| guard(address, request, next)));
        Ok(Self { listener, router, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the service has ended: probes are told that it is ending.
    pub async fn run(self, life: Life) {
        let mut open: VecDeque<AbortHandle> = VecDeque::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = life.reached(Stage::Ended) => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    open.retain(|connection| !connection.is_finished());
                    // Turning the newcomer away would leave the places to whoever came first and says nothing.
                    if open.len() >= MOST_CONNECTIONS {
                        open.pop_front().iter().for_each(AbortHandle::abort);
                    }
                    let (router, life) = (self.router.clone(), life.clone());
                    let connection = tokio::spawn(async move {
                        tokio::select! {
                            () = answer(stream, router) => (),
                            () = life.reached(Stage::Ended) => (),
                        }
                    });
                    open.push_back(connection.abort_handle());
                }
                // No more descriptors, most likely: without a pause this would be a hot loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn answer(stream: TcpStream, router: Router) {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MOST_HEAD_BYTES)
        .half_close(false);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let _ = timeout(CONNECTION_TIMEOUT, connection).await; // a client that goes away in the middle is its own affair
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    async fn ask(stream: &mut TcpStream, port: u16) -> String {
        let request = format!("GET / HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
        let _ = stream.write_all(request.as_bytes()).await; // one that was closed is heard by reading
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer
    }

    #[tokio::test]
    async fn a_newcomer_takes_the_place_of_the_oldest_that_says_nothing_and_all_end_with_the_service() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = HttpServer::new(listener, Router::new().route("/", get(async || "here"))).unwrap();
        let (address, life) = (server.address(), Life::default());
        let running = tokio::spawn(server.run(life.clone()));
        let mut idle = Vec::new();
        for _ in 0..MOST_CONNECTIONS {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        idle[1].write_all(b"GET / HTT").await.unwrap();
        for _ in 0..2 {
            let mut probe = TcpStream::connect(address).await.unwrap();
            let answer = ask(&mut probe, address.port()).await;
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        }
        assert_eq!(ask(&mut idle[0], address.port()).await, "", "it has made room");
        let other = ask(&mut idle[2], address.port()).await;
        assert!(other.starts_with("HTTP/1.1 200"), "{other}");
        life.enter(Stage::Ended);
        running.await.unwrap();
        for stream in &mut idle {
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or_default(), 0);
        }
    }

    /// The clock stands still while anything happens, and runs when everybody waits.
    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = HttpServer::new(listener, Router::new()).unwrap();
        let address = server.address();
        tokio::spawn(server.run(Life::default()));
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n").await.unwrap();
        let mut said = Vec::new();
        let _ = slow.read_to_end(&mut said).await; // a reset is an end too
        assert!(!said.starts_with(b"HTTP/1.1 200"));
    }
}
