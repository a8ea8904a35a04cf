//! The core's provider against the emulator, without any binding in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, DuringOutage, ErrorKind, GetToken, Level, Provider};
use entrakey_tests::scripted::{Scripted, answer};
use entrakey_tests::{Emulator, PATIENCE, accept, wait_until};
use std::net::TcpListener;
use std::sync::{Arc, Barrier, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn provider(emulator: &Emulator, pairs: &[(&str, &str)]) -> Provider {
    let mut config = Config::new();
    // From code and not from the environment: these tests run in one process, side by side.
    config.set("imds_endpoint", emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST")).unwrap();
    config.set("authority_host", emulator.get("AZURE_AUTHORITY_HOST")).unwrap();
    config.set("ca_file", emulator.get("ENTRAKEY_CA_FILE")).unwrap();
    for (key, value) in pairs {
        config.set(key, value).unwrap();
    }
    Provider::new(&config).unwrap()
}

fn principal(emulator: &Emulator) -> [(&str, &str); 4] {
    [
        ("identity", "service_principal"),
        ("tenant_id", emulator.get("AZURE_TENANT_ID")),
        ("client_id", emulator.get("AZURE_CLIENT_ID")),
        ("client_secret", emulator.get("AZURE_CLIENT_SECRET")),
    ]
}

#[test]
fn a_hundred_threads_on_an_empty_cache_cause_one_request() {
    let emulator = Emulator::start("1h");
    let provider = provider(&emulator, &[("identity", "managed_identity")]);
    let barrier = Arc::new(Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (provider, barrier) = (provider.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                provider.get_token().unwrap().version()
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 1));
    assert_eq!(emulator.token_requests(), 1);
}

#[test]
fn no_expired_token_is_ever_handed_out_while_tokens_rotate() {
    let emulator = Emulator::start("3s");
    let provider = provider(&emulator, &principal(&emulator));
    wait_until("the fourth token", || {
        let asked = unix_ms();
        assert!(provider.get_token().unwrap().expires_unix_ms() + COARSE_MS > asked);
        provider.version() >= 4
    });
}

/// The clocks of the hit path tick every few milliseconds only.
const COARSE_MS: u64 = 50;

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

#[test]
fn no_expired_token_is_handed_out_when_its_source_has_gone() {
    let emulator = Emulator::start("4s");
    let provider = provider(&emulator, &principal(&emulator));
    provider.get_token().unwrap();
    drop(emulator);
    let ask = || {
        provider.get_token_with(GetToken {
            timeout: Some(Duration::from_millis(50)),
            during_outage: DuringOutage::Wait,
        })
    };
    let mut expires = 0; // of the newest token: a second one may have come just before the end
    wait_until("the last token's expiry", || {
        let asked = unix_ms();
        if let Ok(token) = ask() {
            expires = token.expires_unix_ms();
            assert!(expires + COARSE_MS > asked, "{} ms after its expiry", asked - expires);
        }
        if let Some(token) = provider.current() {
            assert!(token.expires_unix_ms() + COARSE_MS > asked, "current() gave an expired token");
        }
        asked > expires + 2 * COARSE_MS
    });
    let kind = ask().unwrap_err().kind();
    assert!(matches!(kind, ErrorKind::Network | ErrorKind::Timeout), "{kind:?}");
    assert!(provider.current().is_none() && provider.with_usable(|_| ()).is_none());
}

#[test]
fn an_untrusted_certificate_is_a_network_error_that_names_the_key() {
    let emulator = Emulator::start("1h");
    let mut config = Config::new();
    config.set("authority_host", emulator.get("AZURE_AUTHORITY_HOST")).unwrap();
    // No second attempt within the call, which ends with the first failure.
    config.set("retry_initial_ms", "30000").unwrap();
    for (key, value) in principal(&emulator) {
        config.set(key, value).unwrap();
    }
    let error = Provider::new(&config).unwrap().get_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(error.message().contains("ca_file"), "{error}");
}

#[test]
fn closing_wakes_those_who_wait() {
    let (silent, provider) = silent();
    let waiting = provider.clone();
    let how = GetToken { timeout: Some(2 * PATIENCE), during_outage: DuringOutage::Wait };
    let thread = std::thread::spawn(move || waiting.get_token_with(how).unwrap_err().kind());
    let _request = accept(&silent); // the request is under way and will never be answered
    let start = Instant::now();
    provider.close();
    assert_eq!(thread.join().unwrap(), ErrorKind::Closed);
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A managed identity endpoint that takes a connection and never answers.
fn silent() -> (TcpListener, Provider) {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", &format!("http://{}", silent.local_addr().unwrap())).unwrap();
    // Longer than any wait here, so that no wait ends by the request's own time-out.
    config.set("request_timeout_ms", "120000").unwrap();
    (silent, Provider::new(&config).unwrap())
}

#[test]
fn waits_without_a_thread_are_answered_by_a_token_by_their_deadline_or_by_close() {
    let emulator = Emulator::start("1h");
    let lively = provider(&emulator, &[("identity", "managed_identity")]);
    let (sender, answers) = mpsc::channel();
    let ask = |provider: &Provider, name: &'static str, timeout_ms| {
        let how =
            GetToken { timeout: Some(Duration::from_millis(timeout_ms)), during_outage: DuringOutage::Wait };
        let sender = sender.clone();
        provider.get_token_then(how, move |answer| {
            sender.send((name, answer.map(|token| token.version()).map_err(|error| error.kind()))).unwrap();
        });
    };
    ask(&lively, "token", 20_000);
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)).unwrap(), ("token", Ok(1)));
    let (_listener, stuck) = silent();
    ask(&stuck, "late", 60_000);
    ask(&stuck, "early", 50);
    assert_eq!(answers.recv_timeout(PATIENCE).unwrap(), ("early", Err(ErrorKind::Timeout)));
    stuck.close();
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)).unwrap(), ("late", Err(ErrorKind::Closed)));
    ask(&stuck, "closed", 50);
    assert_eq!(
        answers.try_recv().unwrap(),
        ("closed", Err(ErrorKind::Closed)),
        "what is known is said at once"
    );
}

#[test]
fn a_listener_that_blocks_delays_no_other() {
    let emulator = Emulator::start("3s");
    let provider = provider(&emulator, &[("identity", "managed_identity"), ("reauth_spread", "0")]);
    let (sender, told) = mpsc::channel();
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = std::sync::Mutex::new(blocked);
    let stuck = provider.subscribe(move |_| drop(blocked.lock().map(|gate| gate.recv()))).unwrap();
    let sender = std::sync::Mutex::new(sender);
    let lively =
        provider.subscribe(move |token| sender.lock().unwrap().send(token.version()).unwrap()).unwrap();
    provider.get_token().unwrap();
    let version =
        told.recv_timeout(Duration::from_secs(10)).expect("told nothing while another listener blocks");
    assert!(version >= 2);
    drop((release, stuck, lively));
}

#[test]
fn listeners_that_all_block_do_not_delay_an_answer() {
    let emulator = Emulator::start("3s");
    let provider = provider(&emulator, &[("identity", "managed_identity"), ("reauth_spread", "0")]);
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let (sender, called) = mpsc::channel();
    let stuck: Vec<_> = (0..100)
        .map(|_| {
            let (blocked, sender) = (blocked.clone(), sender.clone());
            let listener = move |_: &_| {
                sender.send(()).unwrap();
                drop(blocked.lock().map(|gate| gate.recv()));
            };
            provider.subscribe(listener).unwrap()
        })
        .collect();
    provider.get_token().unwrap();
    for _ in 0..64 {
        called.recv_timeout(Duration::from_secs(20)).unwrap(); // as many callbacks as the library has threads for
    }
    drop(emulator); // from now on no token comes, and a wait ends by its deadline
    wait_until("the token's expiry", || provider.current().is_none());
    let (sender, answered) = mpsc::channel();
    let how = GetToken { timeout: Some(Duration::from_millis(100)), during_outage: DuringOutage::Wait };
    provider.get_token_then(how, move |answer| sender.send(answer.is_err()).unwrap());
    assert!(answered.recv_timeout(Duration::from_secs(20)).unwrap());
    drop((release, stuck));
}

#[test]
fn nothing_that_is_shown_holds_a_secret() {
    let emulator = Emulator::start("1h");
    let provider = provider(&emulator, &principal(&emulator));
    let (sender, events) = mpsc::channel();
    let observation = provider.observe(Level::Debug, move |event| sender.send(event.clone()).unwrap_or(()));
    let subscription = provider.subscribe(|_| ()).unwrap();
    let token = provider.get_token().unwrap();
    let rejection = provider.report_rejected(token.version(), "WRONGPASS invalid").unwrap();
    subscription.ack(token.version(), false);
    let status = provider.status();
    let mut shown =
        format!("{provider:?} {token:?} {observation:?} {subscription:?} {rejection:?} {status:?}");
    shown += &(status.to_json() + &provider.metrics());
    for name in ["token_refreshed", "rejected", "reauthentication_failed"] {
        let mut event = events.recv_timeout(PATIENCE).expect(name);
        while event.name() != name {
            event = events.recv_timeout(PATIENCE).expect(name);
        }
        shown += &format!("{event:?} {event}");
    }
    for secret in token.secret().split('.').chain([emulator.get("AZURE_CLIENT_SECRET")]) {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[test]
fn no_refusal_shows_the_secret_that_was_refused_or_the_token_that_was_not_taken() {
    const WRONG: &str = "a-secret-that-is-wrong~";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJzZWNyZXQifQ.c2lnbmF0dXJlLW9mLWl0";
    let emulator = Emulator::start("1h");
    let mut pairs = principal(&emulator);
    pairs[3] = ("client_secret", WRONG);
    let refused = provider(&emulator, &pairs);
    let garbled =
        Scripted::answering(|_| answer(200, &[], &format!(r#"{{"access_token":"{WRONG} {WRONG}"}}"#)));
    // What these endpoints say is shown, but not what looks like a token.
    let page = Scripted::answering(|_| answer(403, &[], &format!("no: {TOKEN}")));
    let mut providers = vec![refused];
    for source in [&garbled, &page] {
        let pairs = [("identity", "managed_identity"), ("imds_endpoint", &source.url())];
        providers.push(provider(&emulator, &pairs));
    }
    for provider in providers {
        let (sender, events) = mpsc::channel();
        let _observation =
            provider.observe(Level::Debug, move |event| sender.send(event.clone()).unwrap_or(()));
        let at_once = GetToken { timeout: None, during_outage: DuringOutage::Report };
        let error = provider.get_token_with(at_once).unwrap_err();
        let event = events.recv_timeout(PATIENCE).expect("no event");
        let status = provider.status();
        let shown = format!("{error} {error:?} {event} {event:?} {status:?} {}", status.to_json());
        assert!(
            !shown.contains(WRONG) && !shown.contains("eyJvaWQi") && !shown.contains("c2lnbmF0"),
            "{shown}"
        );
        assert!(shown.contains("refresh_failed") || shown.contains("RefreshFailed"), "{shown}");
    }
}
