//! The core's provider against the emulator, without any binding in between.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, ErrorKind, GetToken, Provider};
use entrakey_tests::Emulator;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

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
    let end = Instant::now() + Duration::from_secs(8);
    while Instant::now() < end {
        let token = provider.get_token().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!(u128::from(token.expires_unix_ms()) > now.as_millis());
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(provider.version() >= 3, "only {} tokens in 8 s", provider.version());
}

#[test]
fn an_untrusted_certificate_is_a_network_error_that_names_the_key() {
    let emulator = Emulator::start("1h");
    let mut config = Config::new();
    config.set("authority_host", emulator.get("AZURE_AUTHORITY_HOST")).unwrap();
    config.set("get_token_timeout_ms", "1000").unwrap();
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
    let thread = std::thread::spawn(move || waiting.get_token().unwrap_err().kind());
    let _request = silent.accept().unwrap(); // the request is under way and will never be answered
    let start = Instant::now();
    provider.close();
    assert_eq!(thread.join().unwrap(), ErrorKind::Closed);
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// A managed identity endpoint that takes a connection and never answers.
fn silent() -> (std::net::TcpListener, Provider) {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", &format!("http://{}", silent.local_addr().unwrap())).unwrap();
    (silent, Provider::new(&config).unwrap())
}

#[test]
fn waits_without_a_thread_are_answered_by_a_token_by_their_deadline_or_by_close() {
    let emulator = Emulator::start("1h");
    let lively = provider(&emulator, &[("identity", "managed_identity")]);
    let (sender, answers) = std::sync::mpsc::channel();
    let ask = |provider: &Provider, name: &'static str, timeout_ms| {
        let how = GetToken { timeout: Some(Duration::from_millis(timeout_ms)), no_wait: false };
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
    assert_eq!(answers.recv_timeout(Duration::from_secs(20)).unwrap(), ("early", Err(ErrorKind::Timeout)));
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
    let (sender, told) = std::sync::mpsc::channel();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
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
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let blocked = Arc::new(std::sync::Mutex::new(blocked));
    let (sender, called) = std::sync::mpsc::channel();
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
        called.recv_timeout(Duration::from_secs(20)).unwrap(); // as many as there are threads for them
    }
    drop(emulator); // from now on a wait ends by its deadline
    while provider.current().is_some() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let (sender, answered) = std::sync::mpsc::channel();
    let how = GetToken { timeout: Some(Duration::from_millis(100)), no_wait: false };
    provider.get_token_then(how, move |answer| sender.send(answer.is_err()).unwrap());
    assert!(answered.recv_timeout(Duration::from_secs(20)).unwrap());
    drop((release, stuck));
}

#[test]
fn debug_output_of_everything_public_holds_no_secret() {
    let emulator = Emulator::start("1h");
    let provider = provider(&emulator, &principal(&emulator));
    let token = provider.get_token().unwrap();
    let shown = format!("{provider:?} {token:?}");
    let payload = token.secret().split('.').nth(1).unwrap();
    assert!(!shown.contains(payload) && !shown.contains(emulator.get("AZURE_CLIENT_SECRET")), "{shown}");
}
