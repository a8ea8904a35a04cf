//! Connections that are authenticated before a client comes. Each is for one client, and for none after it.

use crate::credentials::Credentials;
use crate::dial;
use crate::dial_error::DialError;
use crate::proxy::{Authenticated, Shared};
use crate::{Proxy, wire};
use entrakey_core::{Connection as Entry, Subscription};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// Azure Cache for Redis closes what was idle for ten minutes.
const PING_EVERY: Duration = Duration::from_secs(240);
/// For the answer to an AUTH or a PING.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bounds of the time after which a server that could not be reached is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// What is ready.
#[derive(Default)]
pub(crate) struct Pool {
    ready: Mutex<VecDeque<Warm>>,
    taken: Notify,
}

struct Warm {
    connection: Authenticated,
    /// In the provider's books, as long as no client has it.
    entry: Option<Entry>,
}

impl Pool {
    fn ready(&self) -> MutexGuard<'_, VecDeque<Warm>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that is ready for longest, if it is still good.
    pub(crate) fn take(&self) -> Option<Authenticated> {
        loop {
            let mut warm = self.ready().pop_front()?;
            self.taken.notify_one();
            if warm.is_good() && warm.connection.stream.move_here().is_ok() {
                return Some(warm.connection);
            }
        }
    }
}

impl Warm {
    /// Nothing has come, not even an end; and the token still is one.
    fn is_good(&mut self) -> bool {
        let (mut byte, mut cx) = ([0], Context::from_waker(Waker::noop()));
        let read = Pin::new(&mut self.connection.stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
        let is_quiet = read.is_pending() && self.connection.stream.is_quiet();
        is_quiet && self.connection.credentials.end > std::time::Instant::now()
    }
}

impl Proxy {
    /// Keeps so many connections ready, until it is dropped.
    pub async fn keep_warm(&self, count: usize) {
        let news = Arc::new(Notify::new());
        let told = news.clone();
        let Ok(subscription) = self.shared.provider.subscribe(move |_| told.notify_one()) else {
            return; // closed
        };
        let (mut pause, mut ping) = (RETRY.0, interval_at(Instant::now() + PING_EVERY, PING_EVERY));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let is_full = self.shared.fill(count, &subscription).await.is_ok();
            pause = if is_full { RETRY.0 } else { (pause * 2).min(RETRY.1) };
            tokio::select! {
                () = self.shared.pool.taken.notified(), if is_full => (),
                () = sleep(pause), if !is_full => (), // clients are told why
                () = news.notified() => self.shared.tend(Care::Renew).await,
                _ = ping.tick() => self.shared.tend(Care::Ping).await,
            }
        }
    }
}

/// What is done with those that are ready.
#[derive(Clone, Copy)]
pub(crate) enum Care {
    /// They get the newest token.
    Renew,
    /// The server hears of them.
    Ping,
}

impl Shared {
    pub(crate) async fn fill(&self, count: usize, subscription: &Subscription) -> Result<(), DialError> {
        while self.pool.ready().len() < count {
            let mut entry = None;
            let connection = self.dial(Some(subscription), &mut entry).await?;
            self.pool.ready().push_back(Warm { connection, entry });
        }
        Ok(())
    }

    /// One after the other; the others are ready meanwhile.
    pub(crate) async fn tend(&self, care: Care) {
        let count = self.pool.ready().len();
        for _ in 0..count {
            let Some(mut warm) = self.pool.ready().pop_front() else { return };
            let tended = async {
                match care {
                    Care::Renew => self.renew(&mut warm).await,
                    Care::Ping => ping(&mut warm).await,
                }
            };
            let outcome = timeout(PATIENCE, tended).await;
            if matches!(outcome, Ok(Ok(()))) && warm.is_good() {
                self.pool.ready().push_back(warm);
            }
        }
    }

    /// As a client's connection is: a refused one stays on the token that it has.
    async fn renew(&self, warm: &mut Warm) -> io::Result<()> {
        let Some(newest) = self.provider.with_usable(Arc::clone) else { return Ok(()) };
        let newest: Arc<Credentials> = self.credentials(&newest);
        let Some(entry) = warm.entry.as_ref().filter(|entry| entry.is_behind(newest.version)) else {
            return Ok(());
        };
        let said = dial::sign_in(&mut warm.connection.stream, &newest).await?;
        self.metrics.record_reauth(said.is_ok());
        match said {
            Ok(()) => {
                entry.authenticated(newest.version);
                warm.connection.credentials = newest;
            }
            Err(message) => {
                let _ = entry.refused(newest.version, &message); // closed: nobody needs to know
            }
        }
        Ok(())
    }
}

async fn ping(warm: &mut Warm) -> io::Result<()> {
    match dial::ask(&mut warm.connection.stream, &["PING"]).await? {
        pong if pong == b"+PONG\r\n" => Ok(()),
        other => Err(io::Error::other(wire::error_text(&other).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::Stream;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};

    /// A pool with one connection, whose token is good for so long, and the server's end.
    async fn pool(left: Duration) -> (Pool, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = Stream::Plain(TcpStream::connect(address).await.unwrap());
        let end = std::time::Instant::now() + left;
        let credentials = Arc::new(Credentials::new(1, "oid", "secret", end));
        let pool = Pool::default();
        pool.ready()
            .push_back(Warm { connection: Authenticated { stream, credentials, address }, entry: None });
        (pool, listener.accept().await.unwrap().0)
    }

    #[tokio::test]
    async fn what_is_not_quiet_or_has_no_token_any_more_is_for_nobody() {
        let hour = Duration::from_secs(3600);
        let (good, _server) = pool(hour).await;
        assert!(good.take().is_some() && good.take().is_none(), "it is there once");
        let (expired, _server) = pool(Duration::ZERO).await;
        assert!(expired.take().is_none());
        let (spoken, mut server) = pool(hour).await;
        server.write_all(b"-").await.unwrap();
        assert!(spoken.take().is_none(), "an unexpected byte");
        let (closed, server) = pool(hour).await;
        drop(server);
        assert!(closed.take().is_none());
    }
}
