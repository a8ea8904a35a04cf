//! The engine on real threads, in a host that does its worst: threads are refused, sources and destructors
//! panic, the last reference goes away where nobody expects it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use super::driver::Engine;
use super::snapshot::{Newest, Published};
use super::step::{DuringOutage, Input, Wish};
use crate::config::{Config, Environment, Settings};
use crate::error::{Error, ErrorKind, Result};
use crate::event::Level;
use crate::grant::Grant;
use crate::identity::Source;
use crate::sync::refuse_threads;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;
use zeroize::Zeroizing;

pub(super) const SOON: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_secs(3600);

/// Does what the test says for the n-th request, from 1.
struct Stub<F>(AtomicU64, F);

impl<F: Fn(u64) -> Result<Grant> + Send + Sync> Source for Stub<F> {
    fn fetch(&self, _timeout: Duration) -> Result<Grant> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

/// Each token outlives the one before.
pub(super) fn grant(number: u64) -> Grant {
    let life = HOUR + Duration::from_secs(60 * number);
    Grant {
        secret: Zeroizing::new(format!("token {number}")),
        username: "oid".to_owned(),
        remaining: life,
        lifetime: life,
        is_life_stated: true,
        refresh_in: None,
        sent_at: entrakey_sys::clock::boot(),
        not_before: Duration::ZERO,
        skew_ms: None,
        uti: None,
    }
}

pub(super) fn settings() -> Settings {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    let mut settings = Settings::resolve(&config, Environment::of([])).unwrap();
    settings.policy.min_interval = Duration::from_millis(1);
    settings.policy.retry_initial = Duration::from_millis(1);
    settings.policy.reauth_spread = 0.0;
    settings
}

pub(super) fn engine(answer: impl Fn(u64) -> Result<Grant> + Send + Sync + 'static) -> Arc<Engine> {
    let published: Published = Arc::new(Newest::new());
    Engine::new(&Arc::new(settings()), Box::new(Stub(AtomicU64::new(0), answer)), published, None)
}

pub(super) fn get(engine: &Arc<Engine>) -> Result<u64> {
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + SOON,
        during_outage: DuringOutage::Wait,
        hands_on: false,
    };
    engine.get(wish).map(|token| token.version())
}

/// A value that tells on which thread it is dropped, and panics there.
struct Grenade(mpsc::Sender<String>);

impl Drop for Grenade {
    fn drop(&mut self) {
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.send(thread).unwrap_or(());
        resume_unwind(Box::new("from a destructor")); // without the message that a test would print
    }
}

#[test]
fn a_source_that_panics_is_a_failure_like_any_other() {
    let engine = engine(|number| match number {
        1 => resume_unwind(Box::new("as none should")),
        _ => Ok(grant(number)),
    });
    assert_eq!(get(&engine).unwrap(), 1, "the next request brought one");
    assert_eq!(engine.status().counters.failures, [("INTERNAL", 1)].into());
    engine.close();
}

#[test]
fn without_threads_a_caller_gets_an_error_at_once_and_a_token_when_there_are_threads_again() {
    let engine = engine(|number| Ok(grant(number)));
    let refused = refuse_threads();
    let started = std::time::Instant::now();
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + SOON,
        during_outage: DuringOutage::Report,
        hands_on: false,
    };
    let error = engine.get(wish).unwrap_err();
    assert!(error.to_string().contains("gives no thread"), "{error}");
    assert!(error.is_retriable() && started.elapsed() < SOON / 2);
    drop(refused);
    assert_eq!(get(&engine).unwrap(), 1);
    engine.close();
}

#[test]
fn destructors_that_panic_harm_nobody_and_none_runs_on_the_timers_thread() {
    let engine = engine(|number| Ok(grant(number)));
    let (sender, dropped) = mpsc::channel();
    let grenade = || Grenade(sender.clone());
    let dropped_on = || dropped.recv_timeout(SOON).expect("it is kept");
    // What an answer leaves behind.
    let left = grenade();
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + SOON,
        during_outage: DuringOutage::Wait,
        hands_on: false,
    };
    engine.get_then(wish, Box::new(move |_| drop(left)));
    assert_eq!(dropped_on(), "entrakey-notify");
    // What a listener panics with, twice.
    let payload = sender.clone();
    let listener = Arc::new(move |_: &_| resume_unwind(Box::new(Grenade(payload.clone()))));
    let listener = engine.subscribe(listener, false).unwrap();
    for version in 1..3 {
        assert_eq!(get(&engine).unwrap(), version);
        engine.tell(Input::Rejected(version));
        assert_eq!(dropped_on(), "entrakey-notify");
    }
    engine.unsubscribe(listener);
    // An observer that wants none of the events that happen here.
    let idle = grenade();
    engine.observe(Level::Warn, Arc::new(move |_| _ = &idle)).unwrap();
    drop(catch_unwind(AssertUnwindSafe(|| engine.close()))); // on the host's own thread the panic is the host's affair
    assert_eq!(Some(dropped_on().as_str()), std::thread::current().name());
    assert_eq!(get(&engine).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_refusal_of_permission_asks_for_no_token_whether_or_not_the_client_cut_its_code_off() {
    let engine = engine(|number| Ok(grant(number)));
    get(&engine).unwrap();
    for message in [
        "NOPERM this user has no permissions to run the 'set' command",
        "User 9a0b has no permissions to run the 'set' command",
        "this user has no permissions to access one of the keys used as arguments",
    ] {
        assert_eq!(engine.rejected(1, message).reason.name(), "no_permission", "{message}");
    }
    let status = engine.status();
    assert!(!status.refreshing && status.counters.fetches == 1, "{}", status.to_json());
    assert!(status.next_refresh_in_ms > Some(60_000), "{}", status.to_json());
    assert_eq!(status.counters.auth_rejections, [("no_permission", 3)].into());
    assert_eq!(engine.rejected(1, "invalid username-password pair").reason.name(), "no_access_policy");
    engine.close();
}

#[test]
fn an_answer_that_no_thread_could_be_had_for_is_given_when_there_is_one_also_if_nobody_holds_the_provider() {
    let engine = engine(|_| Err(Error::new(ErrorKind::Network, "down")));
    let (sender, answered) = mpsc::channel();
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + 10 * SOON,
        during_outage: DuringOutage::Wait,
        hands_on: false,
    };
    engine.get_then(wish, Box::new(move |answer| sender.send(answer.unwrap_err().kind()).unwrap()));
    let refused = refuse_threads();
    engine.close(); // on this thread: the system refuses a thread for the answer
    drop((engine, refused));
    assert_eq!(answered.recv_timeout(SOON).unwrap(), ErrorKind::Closed);
}

#[test]
fn listeners_that_all_stall_do_not_silence_those_who_would_tell_of_it() {
    let engine = engine(|number| Ok(grant(number)));
    get(&engine).unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    for _ in 0..70 {
        let released = released.clone();
        let stalls = move |_: &_| released.lock().unwrap().recv().unwrap_or(());
        engine.subscribe(Arc::new(stalls), false).unwrap();
    }
    engine.tell(Input::Rejected(1));
    while engine.status().version < 2 {
        std::thread::yield_now();
    }
    let (sender, told) = mpsc::channel();
    engine.observe(Level::Warn, Arc::new(move |event| sender.send(event.name()).unwrap())).unwrap();
    engine.rejected(2, "WRONGPASS invalid username-password pair");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "rejected");
    drop(release);
    engine.close();
}

#[test]
fn an_error_that_never_ends_costs_a_bounded_number_of_requests() {
    let engine = engine(|_| Err(Error::new(ErrorKind::Network, "down")));
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + Duration::from_secs(1),
        during_outage: DuringOutage::Wait,
        hands_on: false,
    };
    assert_eq!(engine.get(wish).unwrap_err().kind(), ErrorKind::Network);
    let asked = engine.status().counters.fetches;
    assert!((5..60).contains(&asked), "{asked} requests in a second of doubling waits");
    engine.close();
}

#[test]
fn closing_waits_for_nobody_and_who_holds_the_lock_ends_the_engine() {
    let engine = engine(|_| Err(Error::new(ErrorKind::Network, "away")));
    let (sender, dropped) = mpsc::channel();
    let grenade = Grenade(sender);
    engine.subscribe(Arc::new(move |_| _ = &grenade), false).unwrap();
    let (sender, answer) = mpsc::channel();
    let wish = Wish {
        deadline: entrakey_sys::clock::boot() + HOUR,
        during_outage: DuringOutage::Wait,
        hands_on: false,
    };
    engine.get_then(wish, Box::new(move |answer| sender.send(answer.unwrap_err().kind()).unwrap()));

    let held = engine.lock();
    let (closed, closes) = mpsc::channel();
    let closer = engine.clone();
    std::thread::spawn(move || {
        closer.close();
        closed.send(()).unwrap();
    });
    closes.recv_timeout(SOON).expect("close waits for the lock");
    assert!(answer.try_recv().is_err() && dropped.try_recv().is_err());
    drop(held);
    assert_eq!(answer.recv_timeout(SOON).unwrap(), ErrorKind::Closed);
    let thread = dropped.recv_timeout(SOON).expect("its listeners are still there");
    assert_eq!(
        thread, "entrakey-notify",
        "a host's destructor must not run on whichever thread held the lock"
    );
    assert_eq!(get(&engine).unwrap_err().kind(), ErrorKind::Closed);
}

#[test]
fn a_call_after_closing_finds_the_engine_ended_although_the_lock_was_held() {
    let engine = engine(|number| Ok(grant(number)));
    assert_eq!(get(&engine).unwrap(), 1);
    let held = engine.lock();
    engine.close();
    let later = engine.clone();
    let caller = std::thread::spawn(move || get(&later).unwrap_err().kind());
    drop(held);
    assert_eq!(caller.join().unwrap(), ErrorKind::Closed);
    assert_eq!(get(&engine).unwrap_err().kind(), ErrorKind::Closed);
}
