//! News for an event loop: a descriptor becomes readable when the loop's connections have to re-authenticate.

use crate::connections::Connection;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::Provider;
use crate::refresh::ListenerCallback;
use crate::subscription::Subscription;
use entrakey_sys::wake::Wake;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A listener without a callback. Each has a descriptor and a moment inside the spread of its own.
#[derive(Debug)]
#[must_use = "dropping a watch ends it"]
pub struct Watch {
    news: Arc<News>,
    generation: u64,
    subscription: Subscription,
}

#[derive(Debug)]
struct News {
    wake: Wake,
    /// The version to re-authenticate with; 0: none.
    version: AtomicU64,
    ended: AtomicBool,
}

impl News {
    fn tell(&self, version: u64) {
        self.version.fetch_max(version, Ordering::SeqCst);
        self.wake.signal();
    }
}

/// Held by the listener: when the provider lets go of that, nothing will come any more, and the loop is told.
struct Teller(Arc<News>);

impl Drop for Teller {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::SeqCst);
        self.0.wake.signal();
    }
}

impl Provider {
    /// A descriptor that becomes readable when a token has replaced another, early enough to re-authenticate and at
    /// a moment of its own inside the spread; if there is no valid one now, also with the next one, at once. It
    /// becomes readable for good when the provider is closed. In a forked child the watch is dead.
    ///
    /// # Errors
    /// `CLOSED` after [`Provider::close`]; `NETWORK` if the system gives no descriptor.
    pub fn watch(&self) -> Result<Watch> {
        let wake = Wake::new().map_err(no_descriptor)?;
        let news = Arc::new(News { wake, version: AtomicU64::new(0), ended: AtomicBool::new(false) });
        let teller = Teller(news.clone());
        let listener: ListenerCallback = Arc::new(move |token| teller.0.tell(token.version()));
        let subscription = self.listen(listener, true)?;
        Ok(Watch { news, generation: entrakey_sys::fork::generation(), subscription })
    }
}

impl Watch {
    /// The descriptor. It belongs to the watch, which closes it; wait on it and do nothing else with it. -1 in a
    /// forked child, where it is the parent's.
    #[must_use]
    pub fn handle(&self) -> i32 {
        if self.is_inherited() { -1 } else { self.news.wake.handle() }
    }

    /// The newest version that there is news of since the last call, which makes the descriptor unreadable again; none
    /// if it woke for nothing. Never blocks.
    ///
    /// # Errors
    /// `CLOSED` when no news will come any more: the provider was closed, or this is a forked child.
    pub fn take(&self) -> Result<Option<u64>> {
        if self.is_inherited() {
            return Err(Error::closed()); // to clear the descriptor would take the parent's signal away
        }
        self.news.wake.clear();
        let version = self.news.version.swap(0, Ordering::SeqCst);
        if self.news.ended.load(Ordering::SeqCst) {
            self.news.wake.signal(); // for those who wait without taking
            return Err(Error::closed());
        }
        Ok((version > 0).then_some(version))
    }

    /// As [`Subscription::opened`].
    pub fn opened(&self, version: u64) -> Connection {
        self.subscription.opened(version)
    }

    /// As [`Subscription::ack`].
    pub fn ack(&self, version: u64, accepted: bool) {
        self.subscription.ack(version, accepted);
    }

    fn is_inherited(&self) -> bool {
        self.generation != entrakey_sys::fork::generation()
    }
}

fn no_descriptor(error: std::io::Error) -> Error {
    let message =
        format!("The system gives no descriptor for a watch: {error}. Raise the limit of open files.");
    Error::new(ErrorKind::Network, message)
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::time::{Duration, Instant};

    /// `e30.<claims>.c2ln`: oid "me", expires in 2100.
    const TOKEN: &str = "e30.eyJvaWQiOiJtZSIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln";
    const SOON: Duration = Duration::from_secs(20);

    #[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
    fn provider() -> Provider {
        let mut config = Config::new();
        config.on_token_request(|request| request.complete(TOKEN.to_owned().into(), None));
        Provider::new(&config).unwrap()
    }

    fn next(watch: &Watch) -> Result<u64> {
        let started = Instant::now();
        loop {
            match watch.take() {
                Ok(Some(version)) => return Ok(version),
                Ok(None) => assert!(started.elapsed() < SOON, "no news"),
                Err(error) => return Err(error),
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn it_hears_of_the_first_token_once_and_of_the_end() {
        let provider = provider();
        let watch = provider.watch().unwrap();
        assert!(watch.handle() >= 0 && watch.take().unwrap().is_none());
        provider.get_token().unwrap();
        assert_eq!(next(&watch).unwrap(), 1);
        assert_eq!(watch.take().unwrap(), None, "news is taken once");
        let late = provider.watch().unwrap();
        assert_eq!(late.take().unwrap(), None, "whoever has a token is not told of it");
        provider.close();
        for watch in [&watch, &late] {
            assert_eq!(next(watch).unwrap_err().kind(), ErrorKind::Closed);
            assert_eq!(watch.take().unwrap_err().kind(), ErrorKind::Closed, "and so on");
        }
        assert_eq!(provider.watch().unwrap_err().kind(), ErrorKind::Closed);
    }

    #[test]
    fn a_log_callback_that_hangs_keeps_no_first_token_from_it() {
        let provider = provider();
        let (hang, hanging) = std::sync::mpsc::channel::<()>();
        let hanging = std::sync::Mutex::new(hanging);
        let log = move |_: &crate::event::ProviderEvent| hanging.lock().unwrap().recv().unwrap_or(());
        let _log = provider.observe(crate::event::Level::Info, log).unwrap();
        let watch = provider.watch().unwrap();
        provider.get_token().unwrap();
        assert_eq!(next(&watch).unwrap(), 1);
        drop(hang);
    }

    #[test]
    fn news_of_several_tokens_is_news_of_the_newest() {
        let watch = provider().watch().unwrap();
        watch.news.ended.store(false, Ordering::SeqCst); // the watch's provider is gone by now
        for version in [5, 7, 6] {
            watch.news.tell(version);
        }
        assert_eq!(watch.take().unwrap(), Some(7));
        assert_eq!(watch.take().unwrap(), None);
    }
}
