//! One connection: as many requests as fit its time, one after the other.

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

/// What one connection may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the whole head of a request; also how long a connection may idle.
    pub head: Duration,
    /// For everything that is asked on one connection. The answer to a request that has come is given, but
    /// whoever does not read it must not keep a place for ever.
    pub connection: Duration,
    /// For the last answer, after that time.
    pub last: Duration,
}

/// A head that is longer is answered with 431.
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// At the end, for what a client has sent and nobody has read yet: closing would reset its connection.
const LAST_LOOK: Duration = Duration::from_millis(50);

/// Answers what comes on a connection, until its time is over, it idles, or `ending` says that no more is to be taken. Then
/// a request that has come is still answered: whoever ends knows how long that may take, and drops this future.
pub async fn answer<S>(stream: S, router: Router, patience: Patience, ending: impl Future<Output = ()>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(MOST_HEAD_BYTES)
        .half_close(false);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let is_ending = tokio::select! {
        _ = &mut connection => return, // a client that goes away in the middle is its own affair
        () = sleep(patience.connection) => false,
        () = ending => true,
    };
    if is_ending && timeout(LAST_LOOK, &mut connection).await.is_ok() {
        return;
    }
    connection.as_mut().graceful_shutdown();
    let last = if is_ending { Duration::MAX } else { patience.last };
    let _ = timeout(last, connection).await; // both are an end
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use std::future::ready;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    const SECOND: Duration = Duration::from_secs(1);

    /// What a client hears whose request takes so long, on a connection that `ending` ends.
    async fn heard(takes: Duration, ending: impl Future<Output = ()>) -> String {
        let router = Router::new().route(
            "/",
            get(async move || {
                sleep(takes).await;
                "a token"
            }),
        );
        let patience = Patience { head: 10 * SECOND, connection: 60 * SECOND, last: 5 * SECOND };
        let (mut client, server) = tokio::io::duplex(4096);
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut text = String::new();
        tokio::join!(answer(server, router, patience, ending), client.read_to_string(&mut text)).1.unwrap();
        text
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_has_come_is_answered_at_the_end_however_long_it_waits() {
        assert!(heard(40 * SECOND, sleep(SECOND)).await.ends_with("a token"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_sent_before_the_end_and_not_read_yet_is_answered_too() {
        for _ in 0..20 {
            assert!(heard(40 * SECOND, ready(())).await.ends_with("a token"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_whose_time_is_over_has_a_little_more_for_its_last_answer() {
        assert!(heard(64 * SECOND, std::future::pending()).await.ends_with("a token"));
        assert_eq!(heard(100 * SECOND, std::future::pending()).await, "");
    }
}
