//! What a host supplies itself: tokens, or the assertions that an application signs in with.
//!
//! Its callback is called on a thread of the library's and answers there or from any other thread, before a
//! deadline. So a callback of any language and any event loop fits: it may block, or hand the request on.

use crate::error::{Error, ErrorKind, Result};
use crate::guard::guarded;
use crate::redact::redacted;
use crate::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The host is asked for a token, or for a client assertion (a JWT that Entra trusts by a federated credential).
/// Answer with [`CredentialRequest::complete`] or [`CredentialRequest::fail`], from any thread; dropped without an
/// answer it counts as failed, and an answer after the deadline is dropped.
#[derive(Debug)]
pub struct CredentialRequest {
    scope: Option<String>,
    pending: Pending,
}

/// What the host has supplied. It has no Debug, which would show the secret.
pub(crate) struct Supplied {
    pub(crate) secret: Zeroizing<String>,
    pub(crate) expires_unix_ms: Option<u64>,
    pub(crate) username: Option<String>,
}

impl CredentialRequest {
    /// What the token is for; none if it is an assertion that is wanted.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// How long an answer will still be waited for.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.pending.time_left()
    }

    /// Hands the token or the assertion over. `expires_unix_ms`: when the token expires, in milliseconds since the
    /// Unix epoch by this machine's clock; if not given, what the token itself says (`exp`). Of an assertion it does
    /// not matter. The Redis user name is taken from the token unless `username` is configured.
    pub fn complete(self, secret: Zeroizing<String>, expires_unix_ms: Option<u64>) {
        self.supply(None, secret, expires_unix_ms);
    }

    /// As [`CredentialRequest::complete`], with the Redis user name for a token that does not say it. What is
    /// configured as `username` still counts.
    pub fn complete_as(self, username: String, secret: Zeroizing<String>, expires_unix_ms: Option<u64>) {
        self.supply(Some(username), secret, expires_unix_ms);
    }

    fn supply(&self, username: Option<String>, secret: Zeroizing<String>, expires_unix_ms: Option<u64>) {
        let secret = without_line_break(secret);
        self.pending.answer(Ok(Supplied { secret, expires_unix_ms, username }));
    }

    /// Says that there is none; it is asked again later. The message reaches errors and logs: no secrets.
    pub fn fail(self, message: &str) {
        self.pending.answer(Err(failed(self.pending.what, message)));
    }
}

/// What was read from a file often ends with the end of a line. One is taken off, in place: no copy is left behind.
fn without_line_break(mut secret: Zeroizing<String>) -> Zeroizing<String> {
    let line = secret.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    let length = line.map_or(secret.len(), str::len);
    secret.truncate(length);
    secret
}

/// How often a callback that hangs is looked after. No lock to wait on: a forked child would inherit it.
const LOOK: Duration = Duration::from_millis(20);

/// A function of the host's, as code has passed it in.
pub(crate) type HostFunction = Arc<dyn Fn(CredentialRequest) + Send + Sync>;

/// One provider's use of a host's function, with what its answer is called in messages.
pub(crate) struct HostCallback {
    what: &'static str,
    call: HostFunction,
    /// 0: free. Else one more than the fork generation in which it is being called: a call that a parent had
    /// under way is none in its child.
    busy: AtomicU64,
}

thread_local! {
    /// The callback that runs on this thread: who waits for a token in it would wait for itself.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

impl HostCallback {
    pub(crate) fn new(what: &'static str, call: HostFunction) -> Arc<Self> {
        Arc::new(Self { what, call, busy: AtomicU64::new(0) })
    }

    /// Whether this very callback is what runs on this thread.
    pub(crate) fn is_running_here(&self) -> bool {
        RUNNING.get() == self.address()
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Calls it and waits for its answer. Blocks for as long as the callback itself does, and else for
    /// `timeout` at most.
    pub(crate) fn ask(&self, scope: Option<&str>, timeout: Duration) -> Result<Supplied> {
        let deadline = Instant::now() + timeout;
        if !self.enter(deadline) {
            let message = format!("The {} callback has not returned from an earlier call.", self.what);
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        let slot = Arc::new(HostAnswer { answer: Mutex::new(None), answered: Condvar::new() });
        let pending = Pending { slot: slot.clone(), deadline, what: self.what };
        let request = CredentialRequest { scope: scope.map(str::to_owned), pending };
        let outer = RUNNING.replace(self.address());
        let outcome = guarded(|| (self.call)(request));
        RUNNING.set(outer);
        self.busy.store(0, Ordering::SeqCst);
        if outcome.is_none() {
            return Err(failed(self.what, "it panicked"));
        }
        slot.wait(deadline).unwrap_or_else(|| {
            let (what, seconds) = (self.what, timeout.as_secs_f64());
            let message = format!(
                "The {what} callback has not answered within {seconds:.1} s. (If it asks its own provider for a token, \
                 it waits for itself.)"
            );
            Err(Error::new(ErrorKind::Timeout, message))
        })
    }
}

impl HostCallback {
    /// Waits until the callback may be called: hosts are promised one call at a time, and the first that comes
    /// after one that hung must not have to wait for a back-off too. Whoever waits has a thread of its own, which
    /// ends with the deadline.
    fn enter(&self, deadline: Instant) -> bool {
        let here = entrakey_sys::fork::generation() + 1;
        while self.busy.swap(here, Ordering::SeqCst) == here {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(LOOK.min(left));
        }
        true
    }
}

impl fmt::Debug for HostCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} callback", self.what)
    }
}

fn failed(what: &str, message: &str) -> Error {
    let shown = redacted(message, &[]);
    Error::new(ErrorKind::CallbackFailed, format!("The {what} callback failed: {shown}"))
        .with_aadsts_in(message)
}

/// A question to the host that has no answer yet.
struct Pending {
    slot: Arc<HostAnswer>,
    deadline: Instant,
    what: &'static str,
}

impl Pending {
    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn answer(&self, answer: Result<Supplied>) {
        let mut slot = self.slot.answer.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(answer);
        self.slot.answered.notify_all();
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.answer(Err(failed(self.what, "it dropped its request without an answer"))); // unless there is one
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({:?} left)", self.time_left())
    }
}

struct HostAnswer {
    answer: Mutex<Option<Result<Supplied>>>,
    answered: Condvar,
}

impl HostAnswer {
    fn wait(&self, deadline: Instant) -> Option<Result<Supplied>> {
        let mut answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner);
        while answer.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            answer = self.answered.wait_timeout(answer, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        answer.take()
    }
}

#[cfg(all(test, not(feature = "shuttle")))]
mod tests {
    #![allow(clippy::expect_used, reason = "a test that cannot go on should panic")]
    use super::*;
    use std::sync::mpsc;

    fn host(call: impl Fn(CredentialRequest) + Send + Sync + 'static) -> Arc<HostCallback> {
        HostCallback::new("token", Arc::new(call))
    }

    const SOON: Duration = Duration::from_secs(20);

    fn complete(request: CredentialRequest, secret: &str) {
        request.complete(Zeroizing::new(secret.to_owned()), None);
    }

    fn error(call: impl Fn(CredentialRequest) + Send + Sync + 'static, timeout: Duration) -> Error {
        host(call).ask(Some("scope"), timeout).err().expect("a token")
    }

    #[test]
    fn an_answer_may_come_at_once_or_later_and_from_another_thread() {
        let at_once = host(|request| {
            assert_eq!(request.scope(), Some("scope"));
            assert!(request.time_left() > SOON / 2);
            complete(request, "one");
        });
        assert_eq!(at_once.ask(Some("scope"), SOON).unwrap().secret.as_str(), "one");
        let (sender, requests) = mpsc::channel::<CredentialRequest>();
        let sender = Mutex::new(sender);
        let elsewhere = host(move |request| sender.lock().unwrap().send(request).unwrap());
        let host = std::thread::spawn(move || complete(requests.recv().unwrap(), "two"));
        assert_eq!(elsewhere.ask(Some("scope"), SOON).unwrap().secret.as_str(), "two");
        host.join().unwrap();
    }

    #[test]
    fn the_end_of_a_line_is_no_part_of_a_token_and_everything_else_is() {
        for (given, taken) in [
            ("token\n", "token"),
            ("token\r\n", "token"),
            ("token", "token"),
            ("token\n\n", "token\n"),
            ("token\r", "token\r"),
            ("to ken \n", "to ken "),
            ("\n", ""),
        ] {
            let callback = host(move |request| complete(request, given));
            assert_eq!(callback.ask(Some("scope"), SOON).unwrap().secret.as_str(), taken, "{given:?}");
        }
    }

    #[test]
    fn a_callback_that_fails_panics_or_forgets_its_request_is_an_error_at_once() {
        let started = Instant::now();
        let said = error(|request| request.fail("the vault is sealed"), SOON);
        assert_eq!(said.kind(), ErrorKind::CallbackFailed);
        assert!(said.message().contains("the vault is sealed") && said.is_retriable(), "{said}");
        let panic = |_| std::panic::resume_unwind(Box::new("as a host might"));
        assert_eq!(error(panic, SOON).kind(), ErrorKind::CallbackFailed);
        struct Grenade;
        impl Drop for Grenade {
            fn drop(&mut self) {
                std::panic::resume_unwind(Box::new("from a destructor"));
            }
        }
        let worse = |_| std::panic::resume_unwind(Box::new(Grenade));
        assert_eq!(error(worse, SOON).kind(), ErrorKind::CallbackFailed);
        assert!(error(drop, SOON).message().contains("without an answer"));
        assert!(started.elapsed() < SOON / 2);
    }

    #[test]
    fn who_never_answers_is_given_up_and_a_late_answer_is_dropped() {
        let (sender, requests) = mpsc::channel::<CredentialRequest>();
        let sender = Mutex::new(sender);
        let keep = move |request| sender.lock().unwrap().send(request).unwrap();
        assert_eq!(error(keep, Duration::from_millis(50)).kind(), ErrorKind::Timeout);
        complete(requests.recv().unwrap(), "late");
    }

    #[test]
    fn a_callback_that_hangs_is_not_called_again_before_it_returns() {
        let (release, released) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let (entered, released) = (Mutex::new(entered), Mutex::new(released));
        let callback = host(move |request| {
            entered.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap_or(());
            complete(request, "at last");
        });
        let first = callback.clone();
        let first = std::thread::spawn(move || first.ask(Some("scope"), SOON));
        inside.recv().unwrap();
        let busy = callback.ask(Some("scope"), Duration::from_millis(50)).err().unwrap();
        assert!(busy.message().contains("earlier call"), "{busy}");
        assert_eq!(busy.kind(), ErrorKind::Timeout);
        let next = callback.clone();
        let next = std::thread::spawn(move || next.ask(Some("scope"), SOON));
        release.send(()).unwrap();
        release.send(()).unwrap();
        inside.recv().unwrap();
        assert_eq!(next.join().unwrap().unwrap().secret.as_str(), "at last", "called as soon as it may be");
        assert_eq!(first.join().unwrap().unwrap().secret.as_str(), "at last");
        drop(release);
        assert_eq!(callback.ask(Some("scope"), SOON).unwrap().secret.as_str(), "at last");
    }

    #[test]
    fn a_callback_knows_that_it_runs_here_and_nowhere_else() {
        let other = host(drop);
        let (sender, seen) = mpsc::channel();
        let (sender, inner) = (Mutex::new(sender), other.clone());
        let cell: Arc<std::sync::OnceLock<Arc<HostCallback>>> = Arc::default();
        let myself = cell.clone();
        let callback = host(move |request| {
            let here = myself.get().unwrap().is_running_here();
            sender.lock().unwrap().send((here, inner.is_running_here())).unwrap();
            complete(request, "t");
        });
        cell.set(callback.clone()).unwrap();
        callback.ask(Some("scope"), SOON).unwrap();
        assert_eq!(seen.recv().unwrap(), (true, false));
        assert!(!callback.is_running_here());
    }
}
