//! Connections that are authenticated before a client comes. Each is for one client, and for none after it.

mod pool;
#[cfg(test)]
mod tests;

pub(crate) use pool::Pool;

use crate::credentials::Credentials;
use crate::dial;
use crate::dial_error::DialError;
use crate::proxy::Shared;
use crate::{Proxy, wire};
use entrakey_core::Refusal;
use pool::Warm;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// Azure Cache for Redis closes what was idle for ten minutes.
const PING_EVERY: Duration = Duration::from_secs(240);
/// For the answer to an AUTH or a PING.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bounds of the time after which a server that could not be reached is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

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

/// Any answer will do, one that says nobody is signed in excepted: an access policy may leave out PING.
async fn ping(warm: &mut Warm) -> io::Result<()> {
    let answer = dial::ask(&mut warm.connection.stream, &["PING"]).await?;
    match wire::error_text(&answer) {
        Some(message) if Refusal::read(&message).is_some_and(Refusal::is_of_auth) => {
            Err(io::Error::other(message))
        }
        _ => Ok(()),
    }
}
