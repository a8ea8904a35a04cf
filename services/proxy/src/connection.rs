//! One client from its first byte to its last: what the relay cannot do itself.

use crate::blocked::UnblockAnswer;
use crate::dial_error::DialError;
use crate::ended::{By, Ended};
use crate::hangup::ClientStream;
use crate::metrics::{Gauge, Metrics};
use crate::proxy::{Authenticated, Shared};
use crate::relay::{Event, Relay};
use crate::session::{Deed, Session, Verdict};
use crate::side::Side;
use crate::unblock::{Waiting, unblock};
use entrakey_core::{Connection as Entry, Subscription};
use std::future::{Future, pending, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};

/// A client that has closed, or is left, is let go once it has read nothing of what it is still owed for so long.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// For giving the local password: whoever does not know it must not keep a place for ever.
const ADMISSION: Duration = Duration::from_secs(60);
/// Bounds of the time after which a token that was refused is tried again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));
/// Whether a command that waits can be ended is tried again no sooner.
const UNBLOCK_RETRY: Duration = Duration::from_millis(250);

/// A client.
pub(crate) struct Connection<'a, C> {
    shared: &'a Arc<Shared>,
    relay: Relay<C>,
    gauge: Gauge<'a>,
    /// A token has been renewed.
    news: Arc<Notify>,
    subscription: Option<Subscription>,
    /// In the provider's books.
    entry: Option<Entry>,
    address: Option<SocketAddr>,
    /// When a client that has not given the local password is let go.
    admission: Option<Instant>,
    /// When a token that was refused is tried again.
    retry: Option<Instant>,
    /// When whoever does not read gives up its last words.
    patience: Option<Instant>,
    /// Bytes that the client has taken since that was said.
    taken: u64,
    unblocking: Option<Pending<'a, Option<UnblockAnswer>>>,
    dialling: Option<Pending<'a, Reached>>,
}

/// Something that goes on beside the carrying of bytes. Dropped with the connection.
type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What has become of the way to the server.
struct Reached {
    subscription: Option<Subscription>,
    entry: Option<Entry>,
    outcome: Result<Authenticated, DialError>,
}

impl<'a, C: ClientStream> Connection<'a, C> {
    /// Of a client that has come by this address.
    pub(crate) fn new(shared: &'a Arc<Shared>, client: C, reached: Option<IpAddr>) -> Self {
        let session = Session::new(shared.options.password.clone()).announcing(shared.announced(reached));
        Self {
            shared,
            relay: Relay::new(client, session),
            gauge: Gauge::new(&shared.metrics),
            news: Arc::default(),
            subscription: None,
            entry: None,
            address: None,
            admission: None,
            retry: None,
            patience: None,
            taken: 0,
            unblocking: None,
            dialling: None,
        }
    }

    pub(crate) async fn run(mut self) -> Ended {
        let ended = loop {
            let (relay, gauge, metrics) = (&mut self.relay, &mut self.gauge, &self.shared.metrics);
            let taken = &mut self.taken;
            let carry = |cx: &mut Context<'_>| {
                let event = relay.poll(cx);
                *taken += note(relay, gauge, metrics);
                event
            };
            tokio::select! {
                biased;
                event = poll_fn(carry) => match event {
                    Event::WantsUpstream => {
                        self.dialling = Some(Box::pin(reach(self.shared, self.news.clone())));
                    }
                    Event::Deeds(deeds) => deeds.into_iter().for_each(|deed| self.perform(deed)),
                    Event::Ending => self.be_patient(),
                    Event::Ended(ended) => break ended,
                },
                () = self.news.notified() => self.renew(),
                told = answer(&mut self.unblocking) => self.take_unblock_answer(told),
                reached = answer(&mut self.dialling) => {
                    self.dialling = None;
                    self.attach(reached);
                }
                () = until(self.retry) => self.retry(),
                () = until(self.patience) => match self.taken {
                    0 => break self.lose_patience(),
                    _ => self.be_patient(),
                },
                () = until(self.admission) => if let Some(ended) = self.check_admission() {
                    break ended;
                },
            }
            self.taken += note(&mut self.relay, &mut self.gauge, &self.shared.metrics);
        };
        let ended = Ended { had_server: self.gauge.is_connected(), ..ended };
        self.gauge.record_end(ended.by);
        if let Some(entry) = &self.entry {
            entry.closed();
        }
        let _ = timeout(LAST_WORDS, self.relay.shut_down()).await; // they may be gone
        ended
    }

    /// It has closed its half, or is left, and may read on as long as it does.
    fn be_patient(&mut self) {
        (self.patience, self.taken) = (Some(Instant::now() + LAST_WORDS), 0);
    }

    /// Whoever has closed, or was left, has not read in time what it was still owed.
    fn lose_patience(&self) -> Ended {
        if self.relay.server.as_ref().is_some_and(|server| server.is_over) {
            return self.relay.closed_by_server();
        }
        let what = match self.dialling {
            Some(_) => "The client has closed the connection before there was one to the server.",
            None => "The client has closed the connection, or did not read what it was still owed.",
        };
        Ended::normally(By::Client, what)
    }

    /// The time for giving the local password is over.
    fn check_admission(&mut self) -> Option<Ended> {
        self.admission = None;
        if self.relay.session.is_admitted() {
            return None;
        }
        self.shared.metrics.record_missing_password();
        let what = format!("The client has not given the password within {} s.", ADMISSION.as_secs());
        Some(Ended::badly(By::Client, what))
    }

    /// The connection for the client's first request has been made, or could not be.
    fn attach(&mut self, Reached { subscription, entry, outcome }: Reached) {
        (self.subscription, self.entry) = (subscription, entry);
        match outcome {
            Ok(Authenticated { stream, credentials, address }) => {
                self.relay.server = Some(Side::new(stream));
                self.address = Some(address);
                self.relay.session.attach(credentials);
                self.gauge.set_connected();
                self.renew(); // it may have been superseded meanwhile
                #[cfg(test)]
                self.authenticate_soon();
            }
            Err(error) => {
                self.shared.metrics.record_refusal(error.failure);
                let ended = Ended::badly(By::Proxy, error.to_string());
                match self.shared.is_node && error.failure.is_of_the_way() {
                    true => self.relay.session.turn_away(ended),
                    false => self.relay.session.refuse(ended),
                }
            }
        }
    }

    /// The provider has another token than the connection is on, or may have.
    fn renew(&mut self) {
        let Some(credentials) = self.shared.newest() else { return };
        if self.relay.session.is_connected()
            && self.entry.as_ref().is_some_and(|entry| entry.is_behind(credentials.version))
        {
            self.retry = None;
            self.relay.session.authenticate(credentials);
        }
    }

    /// A refusal may have been mended without a new token: an access policy takes a few minutes.
    fn retry(&mut self) {
        self.retry = None;
        if let Some(credentials) = self.shared.newest() {
            self.relay.session.authenticate(credentials);
        }
    }

    /// A quarter of the time that the connection's token has left, so that some tries are left too; of the newest one's,
    /// if its own is over and the server has not closed yet.
    fn until_retry(&self, soonest: Duration) -> Duration {
        let own = self.relay.session.time_left();
        let newest = || self.shared.newest().map_or(RETRY.1, |newest| newest.time_left());
        let left = if own.is_zero() { newest() } else { own };
        (left / 4).clamp(soonest, RETRY.1)
    }

    /// What was said on the other connection. If the command was not ended there, that is tried again.
    fn take_unblock_answer(&mut self, told: Option<UnblockAnswer>) {
        self.unblocking = None;
        let was_ended = told.as_ref().is_some_and(|told| told.was_ended);
        self.relay.session.take_unblock_answer(told, std::time::Instant::now());
        if !was_ended && self.relay.session.is_behind() {
            self.retry = Some(Instant::now() + self.until_retry(UNBLOCK_RETRY));
        }
    }

    fn perform(&mut self, deed: Deed) {
        match deed {
            Deed::Report(verdict) => self.report(&verdict),
            Deed::AwaitPassword => self.admission = Some(Instant::now() + ADMISSION),
            Deed::Unblock { id, streams } => {
                let (Some(address), Some(credentials)) = (self.address, self.shared.newest()) else {
                    return self.take_unblock_answer(None);
                };
                let upstream = &self.shared.upstream;
                let waiting = Waiting { id, streams };
                self.unblocking =
                    Some(Box::pin(async move { unblock(upstream, address, &credentials, waiting).await }));
            }
        }
    }

    fn report(&mut self, Verdict { version, outcome }: &Verdict) {
        self.shared.metrics.record_reauth(outcome.is_ok());
        let Some(entry) = &self.entry else { return };
        match outcome {
            Ok(()) => {
                entry.authenticated(*version);
                self.retry = None;
            }
            Err(message) => {
                let _ = entry.refused(*version, message); // closed: nobody needs to know
                self.retry = Some(Instant::now() + self.until_retry(RETRY.0));
            }
        }
        self.renew(); // another may have come while this one was under way
        #[cfg(test)]
        self.authenticate_soon();
    }

    #[cfg(test)]
    fn authenticate_soon(&mut self) {
        self.retry = self.shared.every.map(|every| Instant::now() + every).or(self.retry);
    }
}

/// Makes the server connection, or takes one that is ready.
async fn reach(shared: &Shared, news: Arc<Notify>) -> Reached {
    // Before the token is asked for: one that came in between would be missed.
    let subscription = match shared.provider.subscribe(move |_| news.notify_one()) {
        Ok(subscription) => subscription,
        Err(error) => {
            return Reached { subscription: None, entry: None, outcome: Err(Shared::no_token(&error)) };
        }
    };
    let mut entry = None;
    let outcome = match shared.pool.take() {
        Some(warm) => {
            let version = warm.credentials.version;
            let opened = subscription.opened(version);
            opened.authenticated(version);
            entry = Some(opened);
            Ok(warm)
        }
        None => shared.dial(Some(&subscription), &mut entry).await,
    };
    Reached { subscription: Some(subscription), entry, outcome }
}

/// Keeps the books. How many bytes the client has taken.
fn note<C>(relay: &mut Relay<C>, gauge: &mut Gauge<'_>, metrics: &Metrics) -> u64 {
    let Relay { session, client, server, .. } = relay;
    gauge.set_behind(session.is_behind());
    let down = std::mem::take(&mut client.sent);
    let up = server.as_mut().map_or(0, |server| std::mem::take(&mut server.sent));
    metrics.record_bytes(up, down);
    match session.take_wrong_passwords() {
        0 => {}
        count => metrics.record_wrong_passwords(count),
    }
    down
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

async fn answer<T>(future: &mut Option<Pending<'_, T>>) -> T {
    match future {
        Some(future) => future.await,
        None => pending().await,
    }
}
