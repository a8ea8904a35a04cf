//! What a host supplies itself: tokens, or the assertions that an application signs in with.
//!
//! Its callback is called on a thread of the library's and answers there or from any other thread, before a
//! deadline. So a callback of any language and any event loop fits: it may block, or hand the request on.

use crate::error::{Error, ErrorKind, Result};
use crate::sync::{Condvar, Mutex};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A token is wanted. Answer with [`TokenRequest::complete`] or [`TokenRequest::fail`], from any thread; dropped
/// without an answer it counts as failed, and an answer after the deadline is dropped.
#[derive(Debug)]
pub struct TokenRequest {
    scope: String,
    pending: Pending<CustomToken>,
}

/// A client assertion is wanted: a JWT that Entra trusts by a federated credential. Answer as a
/// [`TokenRequest`].
#[derive(Debug)]
pub struct AssertionRequest {
    pending: Pending<Zeroizing<String>>,
}

/// A token that the host has obtained. It has no Debug, which would show the secret.
pub struct CustomToken {
    /// The access token, a JWT as a rule: the Redis user name is taken from it unless `username` is configured.
    pub secret: Zeroizing<String>,
    /// When it expires, in seconds since the Unix epoch; if not given, what the token itself says (`exp`).
    pub expires_unix_s: Option<u64>,
}

impl TokenRequest {
    /// What the token is for.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// How long an answer will still be waited for.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.pending.time_left()
    }

    /// Hands the token over.
    pub fn complete(self, token: CustomToken) {
        self.pending.answer(Ok(token));
    }

    /// Says that there is none; it is asked again later. The message reaches errors and logs: no secrets.
    pub fn fail(self, message: &str) {
        self.pending.answer(Err(failed("token", message)));
    }
}

impl AssertionRequest {
    /// How long an answer will still be waited for.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        self.pending.time_left()
    }

    /// Hands the assertion over.
    pub fn complete(self, assertion: Zeroizing<String>) {
        self.pending.answer(Ok(assertion));
    }

    /// Says that there is none; it is asked again later. The message reaches errors and logs: no secrets.
    pub fn fail(self, message: &str) {
        self.pending.answer(Err(failed("assertion", message)));
    }
}

/// A host's callback, with what its answer is called in messages.
pub(crate) struct HostCallback<R> {
    what: &'static str,
    call: Box<dyn Fn(R) + Send + Sync>,
    /// 0: free. Else one more than the fork generation in which it is being called: a call that a parent had
    /// under way is none in its child.
    busy: AtomicU64,
}

pub(crate) type TokenCallback = HostCallback<TokenRequest>;
pub(crate) type AssertionCallback = HostCallback<AssertionRequest>;

thread_local! {
    /// The callback that runs on this thread: who waits for a token in it would wait for itself.
    static RUNNING: Cell<usize> = const { Cell::new(0) };
}

impl<R> HostCallback<R> {
    pub(crate) fn new(what: &'static str, call: impl Fn(R) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { what, call: Box::new(call), busy: AtomicU64::new(0) })
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
    fn ask<T>(&self, timeout: Duration, request: impl FnOnce(Pending<T>) -> R) -> Result<T> {
        let here = entrakey_sys::fork::generation() + 1;
        if self.busy.swap(here, Ordering::SeqCst) == here {
            // One that hangs must not take a thread for each try.
            let message = format!("The {} callback has not returned from an earlier call.", self.what);
            return Err(Error::new(ErrorKind::Timeout, message));
        }
        let slot = Arc::new(Slot { answer: Mutex::new(None), answered: Condvar::new() });
        let deadline = Instant::now() + timeout;
        let request = request(Pending { slot: slot.clone(), deadline, what: self.what });
        let outer = RUNNING.replace(self.address());
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.call)(request)));
        RUNNING.set(outer);
        self.busy.store(0, Ordering::SeqCst);
        if outcome.is_err() {
            return Err(failed(self.what, "it panicked"));
        }
        slot.wait(deadline).unwrap_or_else(|| {
            let (what, seconds) = (self.what, timeout.as_secs_f64());
            let message = format!("The {what} callback has not answered within {seconds:.1} s.");
            Err(Error::new(ErrorKind::Timeout, message))
        })
    }
}

impl TokenCallback {
    pub(crate) fn token(&self, scope: &str, timeout: Duration) -> Result<CustomToken> {
        self.ask(timeout, |pending| TokenRequest { scope: scope.to_owned(), pending })
    }
}

impl AssertionCallback {
    pub(crate) fn assertion(&self, timeout: Duration) -> Result<Zeroizing<String>> {
        self.ask(timeout, |pending| AssertionRequest { pending })
    }
}

impl<R> fmt::Debug for HostCallback<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} callback", self.what)
    }
}

fn failed(what: &str, message: &str) -> Error {
    Error::new(ErrorKind::CallbackFailed, format!("The {what} callback failed: {message}"))
}

/// A question to the host that has no answer yet.
struct Pending<T> {
    slot: Arc<Slot<T>>,
    deadline: Instant,
    what: &'static str,
}

impl<T> Pending<T> {
    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn answer(&self, answer: Result<T>) {
        let mut slot = self.slot.answer.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(answer);
        self.slot.answered.notify_all();
    }
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        self.answer(Err(failed(self.what, "it dropped its request without an answer"))); // unless there is one
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({:?} left)", self.time_left())
    }
}

struct Slot<T> {
    answer: Mutex<Option<Result<T>>>,
    answered: Condvar,
}

impl<T> Slot<T> {
    fn wait(&self, deadline: Instant) -> Option<Result<T>> {
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

    const SOON: Duration = Duration::from_secs(20);

    fn token(secret: &str) -> CustomToken {
        CustomToken { secret: Zeroizing::new(secret.to_owned()), expires_unix_s: None }
    }

    fn error(call: impl Fn(TokenRequest) + Send + Sync + 'static, timeout: Duration) -> Error {
        HostCallback::new("token", call).token("scope", timeout).err().expect("a token")
    }

    #[test]
    fn an_answer_may_come_at_once_or_later_and_from_another_thread() {
        let at_once = HostCallback::new("token", |request: TokenRequest| {
            assert_eq!(request.scope(), "scope");
            assert!(request.time_left() > SOON / 2);
            request.complete(token("one"));
        });
        assert_eq!(at_once.token("scope", SOON).unwrap().secret.as_str(), "one");
        let (sender, requests) = mpsc::channel::<TokenRequest>();
        let sender = Mutex::new(sender);
        let elsewhere =
            HostCallback::new("token", move |request| sender.lock().unwrap().send(request).unwrap());
        let host = std::thread::spawn(move || requests.recv().unwrap().complete(token("two")));
        assert_eq!(elsewhere.token("scope", SOON).unwrap().secret.as_str(), "two");
        host.join().unwrap();
    }

    #[test]
    fn a_callback_that_fails_panics_or_forgets_its_request_is_an_error_at_once() {
        let started = Instant::now();
        let said = error(|request| request.fail("the vault is sealed"), SOON);
        assert_eq!(said.kind(), ErrorKind::CallbackFailed);
        assert!(said.message().contains("the vault is sealed") && said.is_retriable(), "{said}");
        let panic = |_| std::panic::resume_unwind(Box::new("as a host might"));
        assert_eq!(error(panic, SOON).kind(), ErrorKind::CallbackFailed);
        assert!(error(drop, SOON).message().contains("without an answer"));
        assert!(started.elapsed() < SOON / 2);
    }

    #[test]
    fn who_never_answers_is_given_up_and_a_late_answer_is_dropped() {
        let (sender, requests) = mpsc::channel::<TokenRequest>();
        let sender = Mutex::new(sender);
        let keep = move |request| sender.lock().unwrap().send(request).unwrap();
        assert_eq!(error(keep, Duration::from_millis(50)).kind(), ErrorKind::Timeout);
        requests.recv().unwrap().complete(token("late"));
    }

    #[test]
    fn a_callback_that_hangs_is_not_called_again_before_it_returns() {
        let (release, released) = mpsc::channel::<()>();
        let (entered, inside) = mpsc::channel();
        let (entered, released) = (Mutex::new(entered), Mutex::new(released));
        let callback = HostCallback::new("token", move |request: TokenRequest| {
            entered.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap_or(());
            request.complete(token("at last"));
        });
        let first = callback.clone();
        let first = std::thread::spawn(move || first.token("scope", SOON));
        inside.recv().unwrap();
        let busy = callback.token("scope", SOON).err().unwrap();
        assert!(busy.message().contains("earlier call"), "{busy}");
        assert_eq!(busy.kind(), ErrorKind::Timeout);
        release.send(()).unwrap();
        assert_eq!(first.join().unwrap().unwrap().secret.as_str(), "at last");
        drop(release);
        assert_eq!(callback.token("scope", SOON).unwrap().secret.as_str(), "at last");
    }

    #[test]
    fn a_callback_knows_that_it_runs_here_and_nowhere_else() {
        let other = HostCallback::new("token", drop::<TokenRequest>);
        let (sender, seen) = mpsc::channel();
        let (sender, inner) = (Mutex::new(sender), other.clone());
        let cell: Arc<std::sync::OnceLock<Arc<TokenCallback>>> = Arc::default();
        let myself = cell.clone();
        let callback = HostCallback::new("token", move |request: TokenRequest| {
            let here = myself.get().unwrap().is_running_here();
            sender.lock().unwrap().send((here, inner.is_running_here())).unwrap();
            request.complete(token("t"));
        });
        cell.set(callback.clone()).unwrap();
        callback.token("scope", SOON).unwrap();
        assert_eq!(seen.recv().unwrap(), (true, false));
        assert!(!callback.is_running_here());
    }
}
