//! Carries bytes between a client, its session and its server connection. A side is read only when the other has taken
//! what was read before: so a slow reader slows its sender down, and any value needs the same memory.

use crate::ended::{By, Ended};
use crate::hangup::{ClientStream, Hangup};
use crate::outbox::BUFFER;
use crate::session::{Deed, Session};
use crate::side::{Side, Taken};
use crate::stream::Stream;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::AsyncWriteExt as _;

/// What could not be taken yet is no longer than the longest that has to be whole, and a read.
const LONGEST_REST: usize = 64 * 1024 + BUFFER;

/// A client and, from its first request on, its server connection.
pub(crate) struct Relay<C> {
    pub(crate) session: Session,
    pub(crate) client: Side<C>,
    pub(crate) server: Option<Side<Stream>>,
    is_ending: bool,
    /// Somebody makes the server connection.
    is_asked_for: bool,
    /// Of a client that is not read.
    hangup: Option<Hangup>,
}

/// What the relay cannot do itself.
pub(crate) enum Event {
    /// A request waits for a server connection.
    WantsUpstream,
    Deeds(Vec<Deed>),
    /// A side has closed, or the session has ended: what is still owed is being said.
    Ending,
    Ended(Ended),
}

impl<C: ClientStream> Relay<C> {
    pub(crate) fn new(client: C, session: Session) -> Self {
        let client = Side::new(client);
        Self { session, client, server: None, is_ending: false, is_asked_for: false, hangup: None }
    }

    /// Carries until there is something that it cannot do itself. Safe to cancel.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        loop {
            // What waits for a server that takes nothing more is in the way of nothing.
            let is_deaf = self.server.as_ref().is_some_and(|server| server.is_deaf || server.is_over);
            let was_idle = (self.session.up.is_empty() || is_deaf) && self.session.down.is_empty();
            let mut progress = self.offer_rests();
            // With nothing in the way nothing could be taken: what is there is no more than the beginning of something.
            let is_exhausted = was_idle && !progress;
            progress |= self.poll_send(cx);
            if let Some(ended) = self.end(is_exhausted) {
                return Poll::Ready(Event::Ended(ended));
            }
            progress |= self.poll_receive(cx);
            let deeds = self.session.take_deeds();
            if !deeds.is_empty() {
                return Poll::Ready(Event::Deeds(deeds));
            }
            if self.session.wants_upstream() && !self.is_asked_for {
                self.is_asked_for = true;
                return Poll::Ready(Event::WantsUpstream);
            }
            if !self.is_ending && self.has_to_end() {
                self.is_ending = true;
                return Poll::Ready(Event::Ending);
            }
            if !progress {
                ready!(self.poll_hangup(cx));
                self.is_ending = true;
                return Poll::Ready(Event::Ending);
            }
        }
    }

    /// Ready once a client has gone that is not read on: its requests have to wait, and there is no room for more of them.
    fn poll_hangup(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_ending || !self.session.is_held() || self.client.is_over || self.reads_client() {
            self.hangup = None;
            return Poll::Pending;
        }
        let client = &self.client.stream;
        self.hangup.get_or_insert_with(|| Hangup::of(client)).poll(cx)
    }

    /// Whether there is room for more of the client's.
    fn reads_client(&self) -> bool {
        // One that goes away while its requests have to wait is noticed as long as there is.
        let longest = if self.session.is_held() { BUFFER } else { LONGEST_REST };
        self.client.rest.len() < longest && !self.session.up.is_full() && !self.session.down.is_full()
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> bool {
        let down = self.client.poll_send(&mut self.session.down, cx);
        let up = self.server.as_mut().is_some_and(|server| server.poll_send(&mut self.session.up, cx));
        down || up
    }

    /// What could not be taken before may be taken now.
    fn offer_rests(&mut self) -> bool {
        let Self { session, client, server, .. } = self;
        let now = Instant::now();
        let replies =
            server.as_mut().is_some_and(|server| server.offer_rest(|bytes| replies(session, bytes, now)));
        let requests = client.offer_rest(|bytes| requests(session, bytes, now));
        replies || requests
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> bool {
        let now = Instant::now();
        let mut progress = false;
        if let Some(server) = &mut self.server
            && !server.is_over
            && !self.session.down.is_full()
            && server.rest.len() < LONGEST_REST
        {
            progress |= server.poll_receive(cx, |bytes| replies(&mut self.session, bytes, now));
        }
        if !self.client.is_over && self.reads_client() {
            progress |= self.client.poll_receive(cx, |bytes| requests(&mut self.session, bytes, now));
        }
        progress
    }

    fn has_to_end(&self) -> bool {
        let server_is_over = self.server.as_ref().is_some_and(|server| server.is_over);
        self.client.is_over || server_is_over || self.session.end().is_some()
    }

    /// How it has ended, once what is owed was said.
    fn end(&mut self, is_exhausted: bool) -> Option<Ended> {
        let closed_by_client = || Ended::normally(By::Client, "The client has closed the connection.");
        if self.client.is_deaf {
            return Some(closed_by_client());
        }
        if !self.client.has_sent(&self.session.down) {
            return None;
        }
        if let Some(ended) = self.session.end() {
            return Some(ended.clone());
        }
        if !is_exhausted {
            return None;
        }
        if self.server.as_ref().is_some_and(|server| server.is_over) {
            return Some(self.closed_by_server());
        }
        let waits = self.session.owes() || (self.session.is_held() && !self.client.rest.is_empty());
        (self.client.is_over && !waits).then(closed_by_client)
    }

    /// Says good-bye to both.
    pub(crate) async fn shut_down(&mut self) {
        let _ = self.client.stream.shutdown().await; // it may be gone
        if let Some(server) = &mut self.server {
            let _ = server.stream.shutdown().await;
        }
    }

    pub(crate) fn closed_by_server(&self) -> Ended {
        match self.session.is_behind() {
            false => Ended::normally(By::Upstream, "The server has closed the connection."),
            true => Ended::badly(
                By::Upstream,
                "The server has closed the connection while a newer token waited to be sent or taken.",
            ),
        }
    }
}

fn requests(session: &mut Session, bytes: &[u8], now: Instant) -> Taken {
    let count = session.take_from_client(bytes, now);
    Taken { count, is_secret: session.take_secret() }
}

fn replies(session: &mut Session, bytes: &[u8], now: Instant) -> Taken {
    Taken { count: session.take_from_upstream(bytes, now), is_secret: false }
}
