//! The core's events, until the thread of Java's observer takes them.

use crate::encode;
use crate::wire::Writer;
use entrakey_core::{Error, Level, Observation, Provider, ProviderEvent};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many events wait here. With more the core's own queue fills up, which drops events and counts them.
const MOST: usize = 16;

/// The observation of one provider, if there is one.
#[derive(Default)]
pub(crate) struct Events {
    /// Locked by who waits for an event, as long as it does.
    observed: Mutex<Option<Observed>>,
    /// For what is no event, until the provider is closed.
    waker: Mutex<Option<SyncSender<Vec<u8>>>>,
}

struct Observed {
    news: Receiver<Vec<u8>>,
    _observation: Observation,
}

impl Events {
    /// Starts to observe every event.
    pub(crate) fn start(&self, provider: &Provider) -> Result<(), Error> {
        let (sender, news) = sync_channel(MOST);
        let waker = sender.clone();
        let observation = provider.observe(Level::Debug, move |event| tell(&sender, event))?;
        let started = Observed { news, _observation: observation };
        let replaced = self.observed.lock().unwrap_or_else(PoisonError::into_inner).replace(started);
        drop(replaced);
        *self.waker() = Some(waker);
        Ok(())
    }

    /// Ends the wait of the taker, or the next one.
    pub(crate) fn wake(&self) {
        if let Some(waker) = &*self.waker() {
            let _ = waker.try_send(Vec::new()); // with events that wait nobody is asleep
        }
    }

    /// The provider was closed: what comes after its last event is the end.
    pub(crate) fn close(&self) {
        *self.waker() = None;
    }

    fn waker(&self) -> MutexGuard<'_, Option<SyncSender<Vec<u8>>>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next event; `Z` if none follows, none if none came within `timeout` or it was woken. Blocks. For one thread.
    pub(crate) fn take(&self, timeout: Duration) -> Option<Vec<u8>> {
        let observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = || Some(Writer::new(b'Z').done());
        let Some(observed) = observed.as_ref() else { return ended() };
        match observed.news.recv_timeout(timeout) {
            Ok(event) => Some(event).filter(|event| !event.is_empty()),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => ended(),
        }
    }
}

fn tell(sender: &SyncSender<Vec<u8>>, event: &ProviderEvent) {
    let _ = sender.send(encoded(event)); // fails only if the provider is gone
}

fn encoded(event: &ProviderEvent) -> Vec<u8> {
    let (version, error) = match event {
        ProviderEvent::TokenRefreshed { version, .. }
        | ProviderEvent::Reauthenticated { version }
        | ProviderEvent::ReauthenticationFailed { version, .. }
        | ProviderEvent::Rejected { version, .. }
        | ProviderEvent::ListenerStale { version, .. } => (Some(*version), None),
        ProviderEvent::RefreshFailed { error, .. } => (None, Some(error)),
        _ => (None, None),
    };
    let written = Writer::new(b'V')
        .text(event.name())
        .number(event.level() as i64)
        .text(&event.to_string())
        .optional_count(version);
    written.bytes(&error.map(encode::error).unwrap_or_default()).done()
}
