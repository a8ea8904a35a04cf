//! The engine under shuttle: thousands of random interleavings of callers, a request that ends, a listener
//! and `close`. `cargo test -p entrakey-core --features shuttle --lib interleavings`

#![allow(clippy::unwrap_used, reason = "a trial that cannot go on should panic")]

use super::callers::Answer;
use super::driver::Engine;
use super::snapshot::{Newest, Published};
use super::step::{DuringOutage, Input, Wish};
use crate::config::{Config, Environment, Settings};
use crate::error::{ErrorKind, Result};
use crate::grant::Grant;
use crate::identity::Source;
use shuttle::thread;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use zeroize::Zeroizing;

/// How many interleavings each trial goes through.
const INTERLEAVINGS: usize = 3000;
const HOUR: Duration = Duration::from_secs(3600);

/// Answers each request with another hour-long token, after letting others go first.
struct Stub(Arc<AtomicUsize>);

impl Source for Stub {
    fn fetch(&self, _timeout: Duration) -> Result<Grant> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        thread::yield_now();
        Ok(Grant {
            secret: Zeroizing::new(number.to_string()),
            username: "oid".to_owned(),
            remaining: HOUR,
            lifetime: HOUR,
            is_life_stated: true,
            refresh_in: None,
            sent_at: entrakey_sys::clock::boot(),
            not_before: Duration::ZERO,
            skew_ms: None,
            uti: None,
        })
    }
}

fn engine() -> (Arc<Engine>, Published, Arc<AtomicUsize>) {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    let mut settings = Settings::resolve(&config, Environment::of([])).unwrap();
    settings.policy.min_interval = Duration::from_millis(1); // less than a host may ask for
    let requests = Arc::new(AtomicUsize::new(0));
    let published: Published = Arc::new(Newest::new());
    let engine = Engine::new(&Arc::new(settings), Box::new(Stub(requests.clone())), published.clone(), None);
    (engine, published, requests)
}

fn get(engine: &Arc<Engine>) -> Answer {
    engine.get(Wish {
        deadline: entrakey_sys::clock::boot() + HOUR,
        during_outage: DuringOutage::Wait,
        hands_on: false,
    })
}

fn version(published: &Published) -> u64 {
    published.version()
}

#[test]
fn callers_on_an_empty_cache_share_one_request_and_readers_see_versions_grow() {
    let trial = || {
        let (engine, published, requests) = engine();
        let reader = published.clone();
        let reader = thread::spawn(move || {
            let seen: Vec<u64> = (0..4).map(|_| version(&reader)).collect();
            assert!(seen.is_sorted());
        });
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (engine, published) = (engine.clone(), published.clone());
                thread::spawn(move || {
                    let token = get(&engine).unwrap();
                    assert_eq!(token.version(), 1);
                    assert_eq!(version(&published), 1, "published before it is handed out");
                })
            })
            .collect();
        let (sender, answer) = shuttle::sync::mpsc::channel();
        let wish = Wish {
            deadline: entrakey_sys::clock::boot() + HOUR,
            during_outage: DuringOutage::Wait,
            hands_on: false,
        };
        engine.get_then(wish, Box::new(move |token| sender.send(token.unwrap().version()).unwrap()));
        assert_eq!(answer.recv().unwrap(), 1);
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        reader.join().unwrap();
        assert_eq!(requests.load(Ordering::SeqCst), 1);
        engine.close();
    };
    shuttle::check_random(trial, INTERLEAVINGS);
    shuttle::check_pct(trial, INTERLEAVINGS, 3);
}

#[test]
fn closing_answers_every_caller_whatever_is_under_way() {
    let trial = || {
        let (engine, _, _) = engine();
        let callers: Vec<_> = (0..2)
            .map(|_| {
                let engine = engine.clone();
                thread::spawn(move || match get(&engine) {
                    Ok(token) => assert_eq!(token.version(), 1),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
                })
            })
            .collect();
        engine.close();
        callers.into_iter().for_each(|caller| caller.join().unwrap());
        assert_eq!(get(&engine).unwrap_err().kind(), ErrorKind::Closed);
    };
    shuttle::check_random(trial, INTERLEAVINGS);
}

#[test]
fn a_listener_that_is_gone_is_not_called_once_unsubscribe_has_waited() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let trial = || {
        let (engine, _, requests) = engine();
        get(&engine).unwrap();
        let gone = Arc::new(AtomicUsize::new(0));
        let seen = gone.clone();
        let id = engine
            .subscribe(
                Arc::new(move |token| {
                    assert_eq!((seen.load(Ordering::SeqCst), token.version()), (0, 2));
                    CALLS.fetch_add(1, Ordering::SeqCst);
                }),
                false,
            )
            .unwrap();
        std::thread::sleep(Duration::from_millis(2)); // past the interval after an answer
        engine.tell(Input::Rejected(1)); // forces a second token, which listeners hear of at once
        while requests.load(Ordering::SeqCst) < 2 {
            thread::yield_now();
        }
        engine.unsubscribe(id);
        assert!(engine.wait_until_returned(id, HOUR));
        gone.store(1, Ordering::SeqCst);
        engine.close();
    };
    let interleavings = 1000; // of 2 ms each
    shuttle::check_random(trial, interleavings);
    let calls = CALLS.load(Ordering::SeqCst);
    assert!((1..interleavings).contains(&calls), "{calls} calls: both orders should have been tried");
}
