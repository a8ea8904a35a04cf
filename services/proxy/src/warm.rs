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
    shelf: Mutex<Shelf>,
    /// There may be fewer than there should be.
    lacks: Notify,
    /// One of them has heard of a new token.
    news: Arc<Notify>,
}

#[derive(Default)]
struct Shelf {
    ready: VecDeque<Warm>,
    /// How many are being asked something, and come back then.
    away: usize,
}

struct Warm {
    connection: Authenticated,
    /// In the provider's books until it is dropped: a client makes an entry of its own.
    entry: Option<Entry>,
    /// It hears of new tokens at a moment of its own, as a client's connection does.
    _subscription: Option<Subscription>,
    has_news: Arc<AtomicBool>,
}

impl Pool {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The one that is ready for longest, if it is still good.
    pub(crate) fn take(&self) -> Option<Authenticated> {
        loop {
            let mut warm = self.shelf().ready.pop_front()?;
            self.lacks.notify_one();
            if warm.is_good() && warm.connection.stream.move_here().is_ok() {
                return Some(warm.connection);
            }
        }
    }

    /// Takes those out that have heard of a new token, until they are put back.
    fn take_due(&self) -> VecDeque<Warm> {
        let mut shelf = self.shelf();
        let is_due = |warm: &Warm| warm.has_news.swap(false, Ordering::AcqRel);
        let (due, others): (VecDeque<_>, _) = std::mem::take(&mut shelf.ready).into_iter().partition(is_due);
        shelf.ready = others;
        shelf.away += due.len();
        due
    }

    /// Takes the one out that is ready for longest, until it is put back.
    fn take_first(&self) -> Option<Warm> {
        let mut shelf = self.shelf();
        let warm = shelf.ready.pop_front()?;
        shelf.away += 1;
        Some(warm)
    }

    /// One was asked something. It is kept if it has answered and is still good.
    fn put_back(&self, mut warm: Warm, has_answered: bool) {
        self.shelf().away -= 1;
        match has_answered && warm.is_good() {
            true => self.add(warm),
            false => self.lacks.notify_one(),
        }
    }

    fn add(&self, warm: Warm) {
        let has_news = warm.has_news.clone();
        self.shelf().ready.push_back(warm);
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
        // Beside each other: a server that takes its time for another connection must not let these lose their tokens.
        tokio::join!(self.shared.keep_full(count), self.shared.keep_good());
    }
}

impl Shared {
    async fn keep_full(&self, count: usize) {
        let mut pause = RETRY.0;
        loop {
            if self.fill(count).await.is_ok() {
                pause = RETRY.0;
                self.pool.lacks.notified().await;
            } else {
                sleep(pause).await; // clients are told why
                pause = (pause * 2).min(RETRY.1);
            }
        }
    }

    async fn keep_good(self: &Arc<Self>) {
        let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tended = JoinSet::new();
        loop {
            tokio::select! {
                () = self.pool.news.notified() => self.renew_due(&mut tended),
                _ = ping.tick() => {
                    let shared = self.clone();
                    tended.spawn(async move { shared.ping_all().await });
                }
                Some(_) = tended.join_next() => (),
            }
        }
    }

    pub(crate) async fn fill(&self, count: usize) -> Result<(), DialError> {
        let is_full = || {
            let shelf = self.pool.shelf();
            shelf.ready.len() + shelf.away >= count
        };
        while !is_full() {
            let has_news = Arc::new(AtomicBool::new(false));
            let (own, any) = (has_news.clone(), self.pool.news.clone());
            let told = move |_: &_| {
                own.store(true, Ordering::Release);
                any.notify_one();
            };
            let subscription = self.provider.subscribe(told).map_err(|error| Self::no_token(&error))?;
            let mut entry = None;
            let connection = self.dial(Some(&subscription), &mut entry).await?;
            self.pool.add(Warm { connection, entry, _subscription: Some(subscription), has_news });
        }
        Ok(())
    }

    /// Those that have heard of a new token get it side by side: none waits until the server has answered another one.
    fn renew_due(self: &Arc<Self>, tended: &mut JoinSet<()>) {
        for mut warm in self.pool.take_due() {
            let shared = self.clone();
            tended.spawn(async move {
                let outcome = timeout(PATIENCE, shared.renew(&mut warm)).await;
                shared.pool.put_back(warm, outcome.is_ok_and(|renewed| renewed.is_ok()));
            });
        }
    }

    /// The server hears of them one after the other; the others are ready meanwhile.
    pub(crate) async fn ping_all(&self) {
        let count = self.pool.shelf().ready.len();
        for _ in 0..count {
            let Some(mut warm) = self.pool.take_first() else { return };
            let outcome = timeout(PATIENCE, self.stir(&mut warm)).await;
            self.pool.put_back(warm, outcome.is_ok_and(|answered| answered.is_ok()));
        }
    }

    /// As a client's connection is: a refused one stays on the token that it has, until there is another one.
    async fn renew(&self, warm: &mut Warm) -> io::Result<()> {
        let is_behind = |newest: &Arc<Credentials>| {
            warm.entry.as_ref().is_some_and(|entry| entry.is_behind(newest.version))
        };
        match self.newest().filter(is_behind) {
            Some(newest) => self.sign_in(warm, newest).await,
            None => Ok(()),
        }
    }

    /// Something that the server answers. On an older token it is an AUTH, also if that was refused before: an access policy
    /// takes a few minutes.
    async fn stir(&self, warm: &mut Warm) -> io::Result<()> {
        let own = warm.connection.credentials.version;
        match self.newest().filter(|newest| newest.version > own) {
            Some(newest) => self.sign_in(warm, newest).await,
            None => ping(warm).await,
        }
    }

    async fn sign_in(&self, warm: &mut Warm, newest: Arc<Credentials>) -> io::Result<()> {
        let said = dial::sign_in(&mut warm.connection.stream, &newest).await?;
        self.metrics.record_reauth(said.is_ok());
        match (said, &warm.entry) {
            (Ok(()), entry) => {
                entry.iter().for_each(|entry| entry.authenticated(newest.version));
                warm.connection.credentials = newest;
            }
            (Err(message), Some(entry)) => {
                let _ = entry.refused(newest.version, &message); // closed: nobody needs to know
            }
            (Err(_), None) => {}
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
        pool.add(warm);
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
        let warm = pool.take_first().unwrap();
        warm.has_news.store(true, Ordering::Release);
        pool.put_back(warm, true);
        timeout(Duration::from_secs(20), pool.news.notified()).await.expect("word of it");
        assert_eq!(pool.take_due().len(), 1);
    }

    /// A server's end of a connection, which reads an AUTH and answers it, if it does.
    async fn take_auth(stream: &mut TcpStream, answer: &str) {
        let mut said = Vec::new();
        let read = async {
            while !said.ends_with(b"\r\n") || memchr::memchr_iter(b'\n', &said).count() < 7 {
                assert!(stream.read_buf(&mut said).await.unwrap() > 0);
            }
        };
        timeout(Duration::from_secs(20), read).await.expect("an AUTH");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    const OK: &str = "+OK\r\n";
    const WRONGPASS: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

    /// A server in the test's hand, and a proxy with another token each time that it is asked for one.
    async fn server() -> (TcpListener, Arc<Shared>, Provider) {
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
        (listener, shared, provider)
    }

    /// Fetches another token, and tells those that are ready of it, as happens at a moment of their own.
    async fn renew(provider: &Provider, shared: &Shared) {
        let next = provider.version() + 1;
        provider.refresh().unwrap();
        let renewed = async {
            while provider.version() < next {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(20), renewed).await.expect("another token");
        shared.pool.shelf().ready.iter().for_each(|warm| warm.has_news.store(true, Ordering::Release));
        shared.pool.news.notify_one();
    }

    /// So many that are ready, and the server's ends of them.
    async fn filled(listener: &TcpListener, shared: &Arc<Shared>, count: usize) -> Vec<TcpStream> {
        let filling = tokio::spawn({
            let shared = shared.clone();
            async move { shared.fill(count).await.unwrap() }
        });
        let mut ends = Vec::new();
        for _ in 0..count {
            let (mut end, _) = listener.accept().await.unwrap();
            take_auth(&mut end, OK).await;
            ends.push(end);
        }
        filling.await.unwrap();
        ends
    }

    #[tokio::test]
    async fn none_waits_for_its_token_until_another_one_has_been_answered() {
        let (listener, shared, provider) = server().await;
        let mut ends = filled(&listener, &shared, 2).await;
        renew(&provider, &shared).await;
        let mut tended = JoinSet::new();
        shared.renew_due(&mut tended);
        take_auth(&mut ends[0], "").await;
        take_auth(&mut ends[1], OK).await;
        tended.join_next().await.unwrap().unwrap();
        assert_eq!(tended.len(), 1, "the first one still waits");
        timeout(Duration::from_secs(5), shared.fill(2)).await.expect("none in its place").unwrap(); // it comes back
        assert_eq!(shared.pool.shelf().ready.len(), 1);
    }

    #[tokio::test]
    async fn a_server_that_takes_its_time_for_another_one_keeps_none_from_its_token() {
        let (listener, shared, provider) = server().await;
        let mut ends = filled(&listener, &shared, 1).await;
        let keeping = tokio::spawn({
            let proxy = Proxy { shared: shared.clone() };
            async move { proxy.keep_warm(2).await }
        });
        let (mut slow, _) = listener.accept().await.unwrap();
        take_auth(&mut slow, "").await;
        renew(&provider, &shared).await;
        take_auth(&mut ends[0], OK).await;
        keeping.abort();
    }

    #[tokio::test]
    async fn one_that_was_refused_is_tried_again_with_the_next_token_and_with_a_ping() {
        let (listener, shared, provider) = server().await;
        let mut end = filled(&listener, &shared, 1).await.remove(0);
        let version = || shared.pool.shelf().ready.front().map(|warm| warm.connection.credentials.version);
        let mut tended = JoinSet::new();
        for (answer, on) in [(WRONGPASS, 1), (OK, 3), (WRONGPASS, 3)] {
            renew(&provider, &shared).await;
            shared.renew_due(&mut tended);
            take_auth(&mut end, answer).await;
            tended.join_next().await.unwrap().unwrap();
            assert_eq!(version(), Some(on));
        }
        tokio::join!(shared.ping_all(), take_auth(&mut end, OK));
        assert_eq!(version(), Some(4));
        let in_the_books = || provider.status().listeners.connections;
        assert_eq!(in_the_books(), 1, "it is the same one");
        assert!(shared.pool.take().is_some());
        assert_eq!(in_the_books(), 0, "a client makes an entry of its own");
    }
}
