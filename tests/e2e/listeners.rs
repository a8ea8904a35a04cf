//! Listeners and observers of a provider that rotates real tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, Level, Provider, ProviderEvent, Subscription};
use entrakey_tests::{Emulator, wait_until};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

/// Far more than any of this takes on a busy machine, and less than the harness's patience.
const SOON: Duration = Duration::from_secs(20);

fn rotating(emulator: &Emulator) -> Provider {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")).unwrap();
    config.set("reauth_spread", "0").unwrap();
    Provider::new(&config).unwrap()
}

#[test]
fn unsubscribe_waits_for_a_call_under_way_and_no_other_follows() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let (entered, inside) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let finished = Arc::new(AtomicUsize::new(0));
    let count = finished.clone();
    let subscription = provider
        .subscribe(move |_| {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap_or(());
            count.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
    provider.get_token().unwrap();
    inside.recv_timeout(SOON).unwrap();
    let start = Instant::now();
    let releaser = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        drop(release);
    });
    assert!(subscription.unsubscribe(SOON));
    assert!(start.elapsed() >= Duration::from_millis(250), "it did not wait");
    assert_eq!(finished.load(Ordering::SeqCst), 1);
    releaser.join().unwrap();
    wait_for_version(&provider, provider.version() + 1);
    assert_eq!(finished.load(Ordering::SeqCst), 1, "called after it was gone");
}

#[test]
fn unsubscribe_gives_up_after_its_time_and_dropping_never_waits() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let (entered, inside) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let stuck = || {
        let (entered, gate) = (entered.clone(), gate.clone());
        provider.subscribe(move |_| {
            entered.send(()).unwrap();
            gate.lock().unwrap().recv().unwrap_or(());
        })
    };
    let (one, two) = (stuck().unwrap(), stuck().unwrap());
    provider.get_token().unwrap();
    for _ in 0..2 {
        inside.recv_timeout(SOON).unwrap();
    }
    assert!(!one.unsubscribe(Duration::from_millis(50)));
    drop(two); // if dropping waited for the callback, the test would hang here
    drop(release);
}

#[test]
fn a_callback_may_unsubscribe_itself_subscribe_others_and_ask_for_tokens() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let own: Arc<Mutex<Option<Subscription>>> = Arc::default();
    let kept: Arc<Mutex<Vec<Subscription>>> = Arc::default();
    let (sender, told) = mpsc::channel();
    let (inner, myself, others) = (provider.clone(), own.clone(), kept.clone());
    let subscription = provider.subscribe(move |token| {
        assert_eq!(inner.get_token().unwrap().version(), token.version());
        let later = sender.clone();
        others.lock().unwrap().push(inner.subscribe(move |_| later.send("other").unwrap()).unwrap());
        let myself = myself.lock().unwrap().take();
        assert!(myself.is_none_or(|subscription| subscription.unsubscribe(SOON)), "it waited for itself");
        sender.send("own").unwrap();
    });
    *own.lock().unwrap() = Some(subscription.unwrap());
    provider.get_token().unwrap();
    assert_eq!(told.recv_timeout(SOON).unwrap(), "own");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "other", "and itself no more");
    assert_eq!(told.recv_timeout(SOON).unwrap(), "other");
    drop(kept);
}

#[test]
fn a_listener_that_panics_is_called_again_and_counted() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let (sender, told) = mpsc::channel();
    let _subscription = provider
        .subscribe(move |token| {
            sender.send(token.version()).unwrap();
            std::panic::resume_unwind(Box::new("as a host might")); // says nothing on the console
        })
        .unwrap();
    provider.get_token().unwrap();
    let first = told.recv_timeout(SOON).unwrap();
    assert!(told.recv_timeout(SOON).unwrap() > first);
    assert!(provider.status().counters.listener_failures >= 1);
}

#[test]
fn status_knows_which_connections_are_on_which_token() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    provider.get_token().unwrap();
    let (sender, told) = mpsc::channel();
    let subscription = provider.subscribe(move |token| sender.send(token.version()).unwrap()).unwrap();
    let version = told.recv_timeout(SOON).unwrap();
    subscription.ack(version, true);
    assert_eq!(provider.status().listeners.oldest_version, Some(version));
    // From its first acknowledgement on a listener must acknowledge each token. This one does not: past the margin it
    // is stale.
    let start = Instant::now();
    while provider.status().listeners.stale == 0 {
        assert!(start.elapsed() < SOON, "{}", provider.status().to_json());
        std::thread::sleep(Duration::from_millis(10));
    }
    let newest = provider.version();
    subscription.ack(newest, true);
    let status = provider.status();
    assert!(
        status.counters.reauths_accepted >= 2 && status.counters.notifications >= 2,
        "{}",
        status.to_json()
    );
}

#[test]
fn an_observer_hears_of_tokens_failures_and_the_end_in_their_order() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let (sender, events) = mpsc::channel();
    let _observation =
        provider.observe(Level::Info, move |event| sender.send(event.clone()).unwrap()).unwrap();
    let _broken = provider.observe(Level::Debug, |_| std::panic::resume_unwind(Box::new(()))).unwrap();
    provider.get_token().unwrap();
    let next = || events.recv_timeout(SOON).unwrap();
    let (mut versions, mut failures) = (Vec::new(), 0);
    // A request of a busy machine may fail in between: that is a change too, and is told.
    let hear = |versions: &mut Vec<u64>, failures: &mut u32| {
        match next() {
            ProviderEvent::TokenRefreshed { version, .. } => versions.push(version),
            ProviderEvent::RefreshFailed { changed: true, attempt, .. } => {
                *failures += u32::from(attempt == 1)
            }
            ProviderEvent::Closed => return true,
            other => panic!("{other} is not for this level"),
        }
        false
    };
    while versions.len() < 2 {
        assert!(!hear(&mut versions, &mut failures));
    }
    assert_eq!(versions, [1, 2]);
    drop(emulator);
    while failures == 0 {
        assert!(!hear(&mut versions, &mut failures));
    }
    provider.close();
    while !hear(&mut versions, &mut failures) {}
}

fn wait_for_version(provider: &Provider, version: u64) {
    let start = Instant::now();
    while provider.version() < version {
        assert!(start.elapsed() < SOON, "no new token");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_callback_may_drop_the_last_reference_to_its_provider() {
    let emulator = Emulator::start("3s");
    let provider = rotating(&emulator);
    let (sender, told) = mpsc::channel();
    let (held, kept) = (Arc::new(()), Mutex::new(Some(provider.clone())));
    let inside = held.clone();
    let subscription = provider
        .subscribe(move |token| {
            drop(kept.lock().unwrap().take()); // drops the provider, and with it this listener
            let _held = &inside;
            sender.send(token.version()).unwrap();
        })
        .unwrap();
    provider.get_token().unwrap();
    drop(provider);
    assert!(told.recv_timeout(SOON).unwrap() >= 2, "a busy machine may hear of the third one only");
    wait_until("the callback is dropped", || Arc::strong_count(&held) == 1);
    assert!(subscription.unsubscribe(SOON));
}
