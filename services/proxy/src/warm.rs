//! Connections that are authenticated before a client comes. Each is for one client, and for none after it.

use crate::dial;
use crate::dial_error::DialError;
use crate::proxy::{Authenticated, Shared};
use crate::{Proxy, wire};
use entrakey_core::{Connection as Entry, Subscription};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;
use tokio::task::JoinSet;
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
    /// One of them has heard of a new token.
    news: Arc<Notify>,
}

struct Warm {
    connection: Authenticated,
    /// In the provider's books, as long as no client has it.
    entry: Option<Entry>,
    /// It hears of new tokens at a moment of its own, as a client's connection does.
    _subscription: Option<Subscription>,
    has_news: Arc<AtomicBool>,
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

    /// Takes those out that have heard of a new token.
    fn take_due(&self) -> VecDeque<Warm> {
        let mut ready = self.ready();
        let is_due = |warm: &Warm| warm.has_news.swap(false, Ordering::AcqRel);
        let (due, others) = std::mem::take(&mut *ready).into_iter().partition(is_due);
        *ready = others;
        due
    }

    /// Takes one back that was asked something, if it has answered and is still good.
    fn keep(&self, mut warm: Warm, has_answered: bool) {
        if !has_answered || !warm.is_good() {
            return;
        }
        let has_news = warm.has_news.clone();
        self.ready().push_back(warm);
        if has_news.load(Ordering::Acquire) {
            self.news.notify_one(); // it was not there when the others were looked through
        }
    }
}

impl Warm {
    /// Nothing has come, not even an end; and the token still is one.
    fn is_good(&mut self) -> bool {
        let (mut byte, mut cx) = ([0], Context::from_waker(Waker::noop()));
        let read = Pin::new(&mut self.connection.stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
        let is_quiet = read.is_pending() && self.connection.stream.is_quiet();
        is_quiet && !self.connection.credentials.time_left().is_zero()
    }
}

impl Proxy {
    /// Keeps so many connections ready, until it is dropped.
    pub async fn keep_warm(&self, count: usize) {
        let (mut pause, mut ping) = (RETRY.0, interval_at(Instant::now() + PING_EVERY, PING_EVERY));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tended = JoinSet::new();
        loop {
            // Those that are being tended come back.
            let is_full = self.shared.fill(count.saturating_sub(tended.len())).await.is_ok();
            pause = if is_full { RETRY.0 } else { (pause * 2).min(RETRY.1) };
            tokio::select! {
                () = self.shared.pool.taken.notified(), if is_full => (),
                () = sleep(pause), if !is_full => (), // clients are told why
                () = self.shared.pool.news.notified() => self.shared.renew_due(&mut tended),
                _ = ping.tick() => {
                    let shared = self.shared.clone();
                    tended.spawn(async move { shared.ping_all().await });
                }
                Some(_) = tended.join_next() => (),
            }
        }
    }
}

impl Shared {
    pub(crate) async fn fill(&self, count: usize) -> Result<(), DialError> {
        while self.pool.ready().len() < count {
            let has_news = Arc::new(AtomicBool::new(false));
            let (own, any) = (has_news.clone(), self.pool.news.clone());
            let told = move |_: &_| {
                own.store(true, Ordering::Release);
                any.notify_one();
            };
            let subscription = self.provider.subscribe(told).map_err(|error| Self::no_token(&error))?;
            let mut entry = None;
            let connection = self.dial(Some(&subscription), &mut entry).await?;
            let warm = Warm { connection, entry, _subscription: Some(subscription), has_news };
            self.pool.ready().push_back(warm);
        }
        Ok(())
    }

    /// Those that have heard of a new token get it side by side: none waits until the server has answered another one.
    fn renew_due(self: &Arc<Self>, tended: &mut JoinSet<()>) {
        for mut warm in self.pool.take_due() {
            let shared = self.clone();
            tended.spawn(async move {
                let outcome = timeout(PATIENCE, shared.renew(&mut warm)).await;
                shared.pool.keep(warm, outcome.is_ok_and(|renewed| renewed.is_ok()));
            });
        }
    }

    /// The server hears of them one after the other; the others are ready meanwhile.
    pub(crate) async fn ping_all(&self) {
        let count = self.pool.ready().len();
        for _ in 0..count {
            let Some(mut warm) = self.pool.ready().pop_front() else { return };
            let outcome = timeout(PATIENCE, ping(&mut warm)).await;
            self.pool.keep(warm, outcome.is_ok_and(|answered| answered.is_ok()));
        }
    }

    /// As a client's connection is: a refused one stays on the token that it has.
    async fn renew(&self, warm: &mut Warm) -> io::Result<()> {
        let Some(newest) = self.newest() else { return Ok(()) };
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
    use crate::credentials::Credentials;
    use crate::stream::Stream;
    use crate::{Options, Upstream};
    use entrakey_core::{Config, Provider};
    use std::time::{SystemTime, UNIX_EPOCH};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};
    use zeroize::Zeroizing;

    /// A pool with one connection, whose token is good for so long, and the server's end.
    async fn pool(left: Duration) -> (Pool, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stream = Stream::Plain(TcpStream::connect(address).await.unwrap());
        let credentials = Arc::new(Credentials::good_for(left, 1, "oid", "secret"));
        let connection = Authenticated { stream, credentials, address };
        let warm = Warm { connection, entry: None, _subscription: None, has_news: Arc::default() };
        let pool = Pool::default();
        pool.ready().push_back(warm);
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

    #[tokio::test]
    async fn one_that_hears_of_a_token_while_it_is_away_gets_it_when_it_is_back() {
        let (pool, _server) = pool(Duration::from_secs(3600)).await;
        let warm = pool.ready().pop_front().unwrap();
        warm.has_news.store(true, Ordering::Release);
        pool.keep(warm, true);
        timeout(Duration::from_secs(20), pool.news.notified()).await.expect("word of it");
        assert_eq!(pool.take_due().len(), 1);
    }

    /// A server's end of a connection, which reads an AUTH and, if it answers, lets it in.
    async fn take_auth(stream: &mut TcpStream, answers: bool) {
        let mut said = Vec::new();
        while !said.ends_with(b"\r\n") || memchr::memchr_iter(b'\n', &said).count() < 7 {
            assert!(stream.read_buf(&mut said).await.unwrap() > 0);
        }
        if answers {
            stream.write_all(b"+OK\r\n").await.unwrap();
        }
    }

    #[tokio::test]
    async fn none_waits_for_its_token_until_another_one_has_been_answered() {
        let mut config = Config::new();
        config.on_token_request(|request| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let end = u64::try_from(now.as_millis()).unwrap() + 3_600_000;
            let token = Zeroizing::new(format!("token-{}", fastrand::u64(..)));
            request.complete_as("oid".to_owned(), token, Some(end));
        });
        config.set("min_request_interval_ms", "250").unwrap();
        let provider = Provider::new(&config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Upstream::plaintext("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
        let shared = Proxy::new(upstream, provider.clone(), Options::default()).shared;
        let filling = tokio::spawn({
            let shared = shared.clone();
            async move { shared.fill(2).await.unwrap() }
        });
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (mut end, _) = listener.accept().await.unwrap();
            take_auth(&mut end, true).await;
            ends.push(end);
        }
        filling.await.unwrap();
        provider.refresh().unwrap();
        let renewed = async {
            while provider.version() < 2 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), renewed).await.expect("another token");
        shared.pool.ready().iter().for_each(|warm| warm.has_news.store(true, Ordering::Release));
        let mut tended = JoinSet::new();
        shared.renew_due(&mut tended);
        take_auth(&mut ends[0], false).await;
        take_auth(&mut ends[1], true).await;
        tended.join_next().await.unwrap().unwrap();
        assert_eq!((tended.len(), shared.pool.ready().len()), (1, 1), "the first one still waits");
    }
}
