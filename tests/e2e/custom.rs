//! Tokens and assertions that the host supplies.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, CredentialRequest, DuringOutage, ErrorKind, Provider};
use entrakey_tests::scripted::{jwt, unix_s};
use entrakey_tests::{Emulator, PATIENCE};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant, UNIX_EPOCH};

fn supply(request: CredentialRequest, life: u64) {
    request.complete(jwt(&json!({"oid": "me", "exp": unix_s() + life})).into(), None);
}

#[test]
fn a_token_of_the_hosts_own_says_itself_whose_it_is_and_how_long_it_lasts() {
    let mut config = Config::new();
    config.on_token_request(|request| {
        assert_eq!(request.scope().unwrap(), "https://redis.azure.com/.default");
        supply(request, 3600);
    });
    let provider = Provider::new(&config).unwrap();
    assert_eq!(provider.get_token().unwrap().username(), "me");
    let left = provider.status().validity_left_ms.unwrap();
    assert!((3_590_000..=3_600_000).contains(&left), "{left}");
}

#[test]
fn of_two_expiries_the_earlier_counts_and_one_in_the_wrong_unit_is_refused() {
    let provider = |expires_unix_ms: u64| {
        let mut config = Config::new();
        config.set("retry_initial_ms", "30000").unwrap();
        config.on_token_request(move |request| {
            let token = jwt(&json!({"oid": "me", "exp": unix_s() + 3600}));
            request.complete(token.into(), Some(expires_unix_ms));
        });
        Provider::new(&config).unwrap()
    };
    let sooner = provider((unix_s() + 120) * 1000);
    sooner.get_token().unwrap();
    assert!(sooner.status().validity_left_ms.unwrap() <= 120_000);
    for wrong in [unix_s() + 120, (unix_s() + 120) * 1_000_000, u64::MAX] {
        let error = provider(wrong).get_token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CallbackFailed);
        assert!(error.message().contains("unit") && !error.is_retriable(), "{error}");
    }
}

#[test]
fn a_rotation_of_the_hosts_own_tokens_reaches_its_listeners() {
    let mut config = Config::new();
    config.on_token_request(|request| supply(request, 4));
    let provider = Provider::new(&config).unwrap();
    let (sender, told) = mpsc::channel();
    let subscription = provider.subscribe(move |token| sender.send(token.version()).unwrap_or(())).unwrap();
    provider.get_token().unwrap();
    assert!(told.recv_timeout(PATIENCE).unwrap() > 1);
    drop(subscription);
}

#[test]
fn asking_for_a_token_inside_the_callback_that_supplies_it_is_an_error_at_once() {
    let provider: Arc<OnceLock<Provider>> = Arc::default();
    let (inner, (sender, inside)) = (provider.clone(), mpsc::channel());
    let sender = Mutex::new(sender);
    let mut config = Config::new();
    config.on_token_request(move |request| {
        sender.lock().unwrap().send(inner.get().unwrap().get_token().unwrap_err()).unwrap();
        supply(request, 3600);
    });
    let provider = provider.get_or_init(|| Provider::new(&config).unwrap());
    let started = Instant::now();
    assert!(provider.get_token().is_ok());
    let error = inside.recv_timeout(PATIENCE).unwrap();
    assert_eq!(error.kind(), ErrorKind::CallbackFailed);
    assert!(error.message().contains("wait for itself") && !error.is_retriable(), "{error}");
    assert!(started.elapsed() < PATIENCE / 2);
    provider.close(); // the callback holds the provider, so dropping it here would not close it
}

#[test]
fn two_providers_of_one_configuration_do_not_wait_for_each_other() {
    let both = Arc::new(std::sync::Barrier::new(2));
    let mut config = Config::new();
    config.on_token_request(move |request| {
        both.wait(); // until the other's call is inside too
        supply(request, 3600);
    });
    let providers = [Provider::new(&config).unwrap(), Provider::new(&config).unwrap()];
    std::thread::scope(|scope| {
        for provider in &providers {
            scope.spawn(|| assert!(provider.get_token().is_ok()));
        }
    });
    let failures = providers.iter().map(|provider| provider.status().counters.failures.len()).sum::<usize>();
    assert_eq!(failures, 0);
}

#[test]
fn a_callback_that_never_returns_costs_no_thread_for_each_try_and_does_not_hold_up_close() {
    let (release, released) = mpsc::channel::<()>();
    let (calls, released) = (Arc::new(AtomicU32::new(0)), Mutex::new(released));
    let seen = calls.clone();
    let mut config = Config::new();
    config.set("request_timeout_ms", "200").unwrap();
    config.set("retry_initial_ms", "100").unwrap();
    config.on_token_request(move |request| {
        seen.fetch_add(1, Ordering::SeqCst);
        released.lock().unwrap().recv().unwrap_or(());
        drop(request);
    });
    let provider = Provider::new(&config).unwrap();
    let how =
        entrakey_core::GetToken { timeout: Some(Duration::from_secs(2)), during_outage: DuringOutage::Wait };
    assert_eq!(provider.get_token_with(how).unwrap_err().kind(), ErrorKind::Timeout);
    assert!(provider.status().counters.fetches > 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    let started = Instant::now();
    provider.close();
    assert!(started.elapsed() < Duration::from_secs(5));
    drop(release);
}

#[test]
fn an_assertion_of_the_hosts_own_signs_the_application_in() {
    let emulator = Emulator::start("1h");
    let workload = emulator.env("workload_identity");
    let mut config = Config::new();
    for key in ["tenant_id", "client_id"] {
        config.set(key, &workload[&format!("AZURE_{}", key.to_ascii_uppercase())]).unwrap();
    }
    config.set("authority_host", &workload["AZURE_AUTHORITY_HOST"]).unwrap();
    config.set("ca_file", &workload["ENTRAKEY_CA_FILE"]).unwrap();
    let file = workload["AZURE_FEDERATED_TOKEN_FILE"].clone();
    config.on_assertion_request(move |request| {
        // The host may answer from another thread.
        let file = file.clone();
        std::thread::spawn(move || request.complete(std::fs::read_to_string(file).unwrap().into(), None));
    });
    let token = Provider::new(&config).unwrap().get_token().unwrap();
    assert_eq!(token.username(), workload["ENTRAKEY_EMULATOR_FEDERATED_APP_OBJECT_ID"]);
}

#[test]
fn what_is_missing_for_the_hosts_own_tokens_is_said() {
    let mut config = Config::new();
    config.set("identity", "custom").unwrap();
    let error = Provider::new(&config).unwrap_err();
    assert!(error.kind() == ErrorKind::InvalidConfig && error.message().contains("callback"), "{error}");
}

#[test]
fn a_token_that_does_not_say_whose_it_is_may_come_with_its_user_name() {
    let supply = |configured: Option<&str>| {
        let mut config = Config::new();
        if let Some(name) = configured {
            config.set("username", name).unwrap();
        }
        config.on_token_request(|request| {
            request.complete_as(
                "given".to_owned(),
                "opaque".to_owned().into(),
                Some((unix_s() + 3600) * 1000),
            );
        });
        Provider::new(&config).unwrap().get_token().unwrap().username().to_owned()
    };
    assert_eq!(supply(None), "given");
    assert_eq!(supply(Some("configured")), "configured");
}

#[test]
fn an_opaque_token_ends_at_the_millisecond_that_the_host_gave() {
    let unix_ms = || u64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap();
    for fraction in [1, 499, 999] {
        let end = (unix_ms() / 1000 + 3600) * 1000 + fraction;
        let mut config = Config::new();
        config.set("username", "me").unwrap();
        config.on_token_request(move |request| request.complete("opaque".to_owned().into(), Some(end)));
        let provider = Provider::new(&config).unwrap();
        let shown = provider.get_token().unwrap().expires_unix_ms();
        // An expiry is a fraction of a second here: it must not be rounded down to whole seconds.
        assert!(shown.abs_diff(end) < 100, "{shown} for {end}");
    }
}
