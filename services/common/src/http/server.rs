//! One connection after the other, within limits.

use super::connection::{Patience, answer};
use super::guard::guard;
use super::places::Places;
use crate::{Life, Stage};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;

/// More than all probers and scrapers have open. With that many the newest takes the oldest one's place: a process that
/// connects and says nothing keeps no probe from its answer, which takes a moment.
const MOST_CONNECTIONS: usize = 64;
const PATIENCE: Patience = Patience {
    head: Duration::from_secs(10),
    connection: Duration::from_secs(30),
    last: Duration::from_secs(5),
};

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
        let places = Places::at_most(MOST_CONNECTIONS);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = life.reached(Stage::Ended) => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    // Turning the newcomer away would leave the places to whoever came first and says nothing.
                    let Some(taken) = places.take() else { continue };
                    let (router, life) = (self.router.clone(), life.clone());
                    tokio::spawn(async move {
                        tokio::select! {
                            () = answer(stream, router, PATIENCE, pending()) => (),
                            () = taken.place().given_away() => (),
                            () = life.reached(Stage::Ended) => (),
                        }
                    });
                }
                // No more descriptors, most likely: without a pause this would be a hot loop.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

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
