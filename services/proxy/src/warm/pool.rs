//! What is ready, and what of it is being asked something.

use crate::proxy::Authenticated;
use entrakey_core::{Connection as Entry, Subscription};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

/// What is ready.
#[derive(Default)]
pub(crate) struct Pool {
    shelf: Mutex<Shelf>,
    /// There may be fewer than there should be.
    pub(super) lacks: Notify,
    /// One of them has heard of a new token.
    pub(super) news: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct Shelf {
    pub(super) ready: VecDeque<Warm>,
    /// How many are being asked something, and come back then.
    pub(super) away: usize,
}

pub(super) struct Warm {
    pub(super) connection: Authenticated,
    /// In the provider's books until it is dropped: a client makes an entry of its own.
    pub(super) entry: Option<Entry>,
    /// It hears of new tokens at a moment of its own, as a client's connection does.
    pub(super) _subscription: Option<Subscription>,
    pub(super) has_news: Arc<AtomicBool>,
}

impl Pool {
    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
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
    pub(super) fn take_due(&self) -> VecDeque<Warm> {
        let mut shelf = self.shelf();
        let is_due = |warm: &Warm| warm.has_news.swap(false, Ordering::AcqRel);
        let (due, others): (VecDeque<_>, _) = std::mem::take(&mut shelf.ready).into_iter().partition(is_due);
        shelf.ready = others;
        shelf.away += due.len();
        due
    }

    /// Takes the one out that is ready for longest, until it is put back.
    pub(super) fn take_first(&self) -> Option<Warm> {
        let mut shelf = self.shelf();
        let warm = shelf.ready.pop_front()?;
        shelf.away += 1;
        Some(warm)
    }

    /// One was asked something. It is kept if it has answered and is still good.
    pub(super) fn put_back(&self, mut warm: Warm, has_answered: bool) {
        self.shelf().away -= 1;
        match has_answered && warm.is_good() {
            true => self.add(warm),
            false => self.lacks.notify_one(),
        }
    }

    pub(super) fn add(&self, warm: Warm) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credentials;
    use crate::stream::Stream;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

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
}
