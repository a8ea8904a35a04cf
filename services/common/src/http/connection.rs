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
}

/// A head that is longer is answered with 431.
const MOST_HEAD_BYTES: usize = 16 * 1024;
/// For the last answer.
const LAST: Duration = Duration::from_secs(5);

/// Answers what comes on a connection, until its time is over, it idles, or `ending` says that no more is to be taken.
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
    tokio::select! {
        _ = &mut connection => return, // a client that goes away in the middle is its own affair
        () = sleep(patience.connection) => {}
        () = ending => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(LAST, connection).await; // both are an end
}
