//! What holds for every source. Its tokens are looked at: some are valid, and yet a cache will refuse them. Its errors show
//! no secret. A source that hangs does not take a thread for each try.

use super::chain::Asked;
use super::credential_file::Stamp;
use super::source::Source;
use crate::claims::Claims;
use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use crate::token_fault::is_for_redis;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// So many requests may hang at once, for instance in a file system that is gone. No further request is begun.
const MAX_HUNG: usize = 4;

/// Any source, with what holds for every one.
pub(super) struct GuardedSource {
    inner: Box<dyn Source>,
    settings: Arc<Settings>,
    /// Whether the scope is that of Redis: then the audience has to be that of Redis too.
    for_redis: bool,
    /// Calls that have not returned.
    under_way: AtomicUsize,
}

impl GuardedSource {
    pub(super) fn new(settings: &Arc<Settings>, inner: Box<dyn Source>) -> Self {
        let resource = settings.scope.strip_suffix("/.default").unwrap_or(&settings.scope);
        Self {
            inner,
            settings: settings.clone(),
            for_redis: is_for_redis(resource),
            under_way: AtomicUsize::new(0),
        }
    }

    /// Calls the source. None if too many calls of the source hang.
    fn call<T>(&self, call: impl FnOnce(&dyn Source) -> T) -> Option<T> {
        let under_way = UnderWay::begin(&self.under_way);
        (under_way.before < MAX_HUNG).then(|| call(&*self.inner))
    }
}

/// A call, until it returns or unwinds.
struct UnderWay<'a> {
    calls: &'a AtomicUsize,
    before: usize,
}

impl<'a> UnderWay<'a> {
    fn begin(calls: &'a AtomicUsize) -> Self {
        Self { calls, before: calls.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Source for GuardedSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let outcome = self.call(|source| source.fetch(timeout)).unwrap_or_else(|| {
            let message = format!("{MAX_HUNG} earlier requests have not come back: {}", self.blocked());
            Err(Error::new(ErrorKind::Timeout, message))
        });
        outcome.map_err(|error| match error.kind() {
            // Perhaps because a value that somebody set does not count.
            ErrorKind::AuthRejected | ErrorKind::IdentityUnavailable | ErrorKind::InvalidConfig => {
                error.hiding(&self.settings.secrets()).with_sentence(&self.settings.misspelt)
            }
            _ => error.hiding(&self.settings.secrets()),
        })
    }

    fn stamp(&self) -> Option<Stamp> {
        self.call(|source| source.stamp()).flatten()
    }

    fn blocked(&self) -> &'static str {
        self.inner.blocked()
    }

    fn asked(&self) -> Vec<(&'static str, Asked)> {
        let hide = |error: Error| error.hiding(&self.settings.secrets());
        let hidden = |asked| match asked {
            Asked::Absent(reason) => Asked::Absent(hide(reason)),
            Asked::Failed(error) => Asked::Failed(hide(error)),
            Asked::Answered | Asked::NotAsked => asked,
        };
        self.inner.asked().into_iter().map(|(name, asked)| (name, hidden(asked))).collect()
    }

    fn advice(&self, grant: &Grant) -> Option<String> {
        let claims = Claims::parse(&grant.secret).unwrap_or_default();
        let wrong = claims.text("aud").filter(|audience| self.for_redis && !is_for_redis(audience));
        let wrong = wrong.map(|audience| {
            format!(
                "The token is for {audience} and not for Redis: the cache will refuse it. Check how it is obtained; \
                 the scope asked for is that of Redis."
            )
        });
        wrong.or_else(|| self.inner.advice(grant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment};
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// A source that hangs until it is told not to.
    struct Hung(Mutex<Sender<()>>, Mutex<Receiver<()>>);

    impl Source for Hung {
        fn fetch(&self, _timeout: Duration) -> Result<Grant> {
            self.0.lock().unwrap().send(()).unwrap();
            let _ = self.1.lock().unwrap().recv();
            Err(Error::new(ErrorKind::Network, "gone"))
        }
    }

    /// A source that refuses, or is not there.
    struct Failing(ErrorKind);

    impl Source for Failing {
        fn fetch(&self, _timeout: Duration) -> Result<Grant> {
            Err(Error::new(self.0, "gone."))
        }
    }

    #[test]
    fn a_misspelt_variable_is_told_where_a_value_that_does_not_count_may_be_the_cause() {
        let misspelt = ("ENTRAKEY_CLINET_ID".to_owned(), "11111111-0000-4000-8000-000000000001".to_owned());
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        let settings = Arc::new(Settings::resolve(&config, Environment::of([misspelt])).unwrap());
        for (kind, is_told) in [(ErrorKind::AuthRejected, true), (ErrorKind::Network, false)] {
            let source = GuardedSource::new(&settings, Box::new(Failing(kind)));
            let error = source.fetch(Duration::from_secs(1)).err().unwrap();
            let told = "gone. Environment variable ENTRAKEY_CLINET_ID is read by nobody: did you mean ENTRAKEY_CLIENT_ID?";
            assert_eq!(error.message(), if is_told { told } else { "gone." });
        }
    }

    #[test]
    fn a_source_that_hangs_takes_some_threads_and_not_one_for_each_try() {
        let ((entered, inside), (release, released)) = (channel(), channel());
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        let settings = Arc::new(Settings::resolve(&config, Environment::of([])).unwrap());
        let hung = Hung(Mutex::new(entered), Mutex::new(released));
        let source = Arc::new(GuardedSource::new(&settings, Box::new(hung)));
        let fetch = |source: &GuardedSource| source.fetch(Duration::from_secs(1)).err().unwrap();
        let threads: Vec<_> = (0..MAX_HUNG)
            .map(|_| {
                let source = source.clone();
                std::thread::spawn(move || fetch(&source))
            })
            .collect();
        threads.iter().for_each(|_| inside.recv().unwrap());
        let refused = fetch(&source);
        assert_eq!(refused.kind(), ErrorKind::Timeout);
        assert!(refused.message().contains("have not come back"), "{refused}");
        assert_eq!(source.stamp(), None);
        drop(release);
        assert!(threads.into_iter().all(|thread| thread.join().unwrap().message() == "gone"));
        assert_eq!(fetch(&source).message(), "gone");
    }
}
