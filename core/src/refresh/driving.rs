//! The engine on real threads, in a host as most are: every caller gets its own answer, and what was removed is gone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use super::driver::Engine;
use super::hazards::{SOON, engine, get, grant, settings};
use super::snapshot::Newest;
use super::step::{DuringOutage, Input, Wish};
use crate::error::Result;
use crate::event::{Level, ProviderEvent};
use crate::grant::Grant;
use crate::identity::Source;
use crate::sync::refuse_threads;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn wish() -> Wish {
    Wish { deadline: entrakey_sys::clock::boot() + SOON, during_outage: DuringOutage::Wait, hands_on: false }
}

#[test]
fn callers_listeners_observers_and_connections_have_numbers_of_their_own() {
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let engine = engine(move |number| {
        released.lock().unwrap().recv().unwrap_or(());
        Ok(grant(number))
    });
    let (sender, answers) = mpsc::channel();
    for caller in [1, 2] {
        let sender = sender.clone();
        engine.get_then(wish(), Box::new(move |answer| sender.send((caller, answer.is_ok())).unwrap()));
    }
    let listeners = [1, 2].map(|_| engine.subscribe(Arc::new(|_: &_| ()), false).unwrap());
    let observers = [1, 2].map(|_| engine.observe(Level::Warn, Arc::new(|_| ())).unwrap());
    let connections = [1, 2].map(|_| engine.connected(listeners[0]));
    let numbers = [listeners, observers, connections].concat();
    assert!((1..6).all(|n| numbers[n - 1] < numbers[n]), "{numbers:?}");
    let status = engine.status().listeners;
    assert_eq!((status.count, status.connections), (2, 2));
    drop(release);
    let mut answered = [1, 2].map(|_| answers.recv_timeout(SOON).unwrap());
    answered.sort_unstable();
    assert_eq!(answered, [(1, true), (2, true)]);
    engine.close();
}

#[test]
fn an_answer_that_is_known_is_given_on_the_thread_that_asks() {
    let engine = engine(|number| Ok(grant(number)));
    let _refused = refuse_threads(); // so no request can start, and no other thread could answer
    let (sender, answers) = mpsc::channel();
    let wish = Wish { during_outage: DuringOutage::Report, ..wish() };
    engine.get_then(wish, Box::new(move |answer| sender.send(answer.unwrap_err()).unwrap()));
    let error = answers.try_recv().unwrap();
    assert!(error.to_string().contains("gives no thread"), "{error}");
    engine.close();
}

#[test]
fn what_is_unsubscribed_or_not_observed_any_more_is_forgotten_and_dropped() {
    let engine = engine(|number| Ok(grant(number)));
    let owned = Arc::new(());
    let (by_listener, by_observer) = (owned.clone(), owned.clone());
    let listener = engine.subscribe(Arc::new(move |_: &_| _ = &by_listener), false).unwrap();
    let observer = engine.observe(Level::Debug, Arc::new(move |_| _ = &by_observer)).unwrap();
    assert_eq!((engine.status().listeners.count, Arc::strong_count(&owned)), (1, 3));
    engine.unsubscribe(listener);
    assert_eq!((engine.status().listeners.count, Arc::strong_count(&owned)), (0, 2));
    engine.unobserve(observer);
    assert_eq!(Arc::strong_count(&owned), 1);
    engine.close();
}

/// Nothing is due for minutes, so no other thread takes the lock.
#[test]
fn who_lets_go_of_the_lock_ends_an_engine_that_was_closed_meanwhile() {
    let engine = engine(|number| Ok(grant(number)));
    get(&engine).unwrap();
    let (owned, forgotten) = mpsc::channel::<()>();
    let owned = Mutex::new(owned);
    engine.subscribe(Arc::new(move |_: &_| _ = &owned), false).unwrap();
    let held = engine.lock();
    engine.close();
    drop(held);
    assert_eq!(forgotten.recv_timeout(SOON), Err(RecvTimeoutError::Disconnected), "the listener is kept");
}

#[test]
fn a_call_under_way_is_waited_for() {
    let engine = engine(|number| Ok(grant(number)));
    get(&engine).unwrap();
    let (called, calls) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (called, released) = (Mutex::new(called), Mutex::new(released));
    let listener = move |_: &_| {
        called.lock().unwrap().send(()).unwrap();
        released.lock().unwrap().recv().unwrap_or(());
    };
    let listener = engine.subscribe(Arc::new(listener), false).unwrap();
    assert!(engine.wait_until_returned(listener, Duration::ZERO), "it is not being called");
    engine.tell(Input::Rejected(1));
    calls.recv_timeout(SOON).unwrap();
    assert!(!engine.wait_until_returned(listener, Duration::ZERO), "it has not returned");
    drop(release);
    assert!(engine.wait_until_returned(listener, SOON));
    engine.close();
}

#[test]
fn only_refusals_count_as_re_authentications_that_were_refused() {
    let engine = engine(|number| Ok(grant(number)));
    get(&engine).unwrap();
    let listener = engine.subscribe(Arc::new(|_: &_| ()), false).unwrap();
    let connection = engine.connected(listener);
    engine.tell(Input::Authenticated { listener, connection, version: 1 });
    let refused = |message| {
        engine.refused(listener, connection, 1, message).unwrap();
        engine.status().counters.reauths_rejected
    };
    assert_eq!(refused("LOADING Redis is loading the dataset in memory"), 0);
    assert_eq!(refused("WRONGPASS invalid username-password pair or user is disabled."), 1);
    engine.close();
}

/// Tells how long each request may take, and has the same to say about each token.
struct Talkative {
    requests: Mutex<mpsc::Sender<Duration>>,
    tokens: AtomicU64,
}

impl Source for Talkative {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        self.requests.lock().unwrap().send(timeout).unwrap();
        Ok(grant(self.tokens.fetch_add(1, Ordering::SeqCst)))
    }

    fn advice(&self, _grant: &Grant) -> Option<String> {
        Some("It is odd.".to_owned())
    }
}

fn talkative(request_timeout: Duration) -> (Arc<Engine>, mpsc::Receiver<Duration>) {
    let (requests, asked) = mpsc::channel();
    let source = Talkative { requests: Mutex::new(requests), tokens: AtomicU64::new(1) };
    let mut settings = settings();
    settings.policy.request_timeout = request_timeout;
    (Engine::new(&Arc::new(settings), Box::new(source), Arc::new(Newest::new()), None), asked)
}

#[test]
fn a_source_gets_a_little_less_time_than_there_is_so_that_its_own_account_comes_first() {
    for (there_is, gets) in [(10_000, 9750), (1000, 875)] {
        let (engine, asked) = talkative(Duration::from_millis(there_is));
        get(&engine).unwrap();
        assert_eq!(asked.recv_timeout(SOON).unwrap(), Duration::from_millis(gets));
        engine.close();
    }
}

#[test]
fn what_a_source_says_of_every_token_is_told_once_and_other_events_follow() {
    let (engine, _asked) = talkative(SOON);
    let (sender, told) = mpsc::channel();
    let observer = move |event: &ProviderEvent| sender.send(event.name()).unwrap();
    engine.observe(Level::Warn, Arc::new(observer)).unwrap();
    get(&engine).unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), "warning");
    engine.tell(Input::Rejected(1));
    while engine.status().version < 2 {
        std::thread::yield_now();
    }
    engine.rejected(2, "WRONGPASS invalid username-password pair or user is disabled.");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "rejected");
    engine.close();
}
