//! What a token source may answer, and what becomes of it: a scripted one says it, the core's provider hears it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, DuringOutage, Error, ErrorKind, GetToken, Level, Provider, ProviderEvent};
use entrakey_tests::scripted::{Scripted, answer, jwt, token, unix_s};
use entrakey_tests::{PATIENCE, wait_until};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant, UNIX_EPOCH};

fn managed_identity(endpoint: &str, pairs: &[(&str, &str)]) -> Provider {
    let mut config = Config::new();
    for (key, value) in [("identity", "managed_identity"), ("imds_endpoint", endpoint)].iter().chain(pairs) {
        config.set(key, value).unwrap();
    }
    Provider::new(&config).unwrap()
}

/// What the first request came to, and how long the provider means to wait for the next.
fn first_failure(answer: Vec<u8>) -> (Error, Duration) {
    let source = Scripted::answering(move |_| answer.clone());
    failure_of(&managed_identity(&source.url(), &[]))
}

fn failure_of(provider: &Provider) -> (Error, Duration) {
    let (sender, events) = mpsc::channel();
    let _observation = provider.observe(Level::Debug, move |event| sender.send(event.clone()).unwrap_or(()));
    let at_once = GetToken { timeout: Some(PATIENCE), during_outage: DuringOutage::Report };
    let error = provider.get_token_with(at_once).unwrap_err();
    loop {
        let event = events.recv_timeout(PATIENCE).expect("no event of the failure");
        if let ProviderEvent::RefreshFailed { next_attempt_in, .. } = event {
            assert!(provider.current().is_none());
            return (error, next_attempt_in);
        }
    }
}

/// What is left of a token whose answer has these fields and claims.
fn validity_left(fields: &Value, mut claims: Value) -> Duration {
    claims["oid"] = json!("me");
    let mut body = fields.clone();
    body["access_token"] = json!(jwt(&claims));
    let source = Scripted::answering(move |_| answer(200, &[], &body.to_string()));
    let provider = managed_identity(&source.url(), &[]);
    provider.get_token().unwrap();
    Duration::from_millis(provider.status().validity_left_ms.unwrap())
}

/// Names the child of this test's own executable that is to do what needs an environment of its own.
const IN_CHILD: &str = "TEST_ENDPOINT_OF_CHILD";

#[test]
fn a_managed_identity_endpoint_is_never_asked_through_a_proxy() {
    if let Ok(endpoint) = std::env::var(IN_CHILD) {
        managed_identity(&endpoint, &[]).get_token().unwrap();
        return;
    }
    let source = Scripted::answering(|_| token(3600));
    let proxy = Scripted::answering(|_| answer(502, &[], ""));
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "a_managed_identity_endpoint_is_never_asked_through_a_proxy"]);
    child.env_clear().env(IN_CHILD, source.url());
    for variable in ["ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        child.env(variable, proxy.url());
    }
    let done = child.output().unwrap();
    assert_eq!(proxy.requests(), [""; 0], "the proxy would have seen the token");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert_eq!(source.requests().len(), 1);
}

#[test]
fn a_redirect_is_an_error_and_not_followed() {
    let elsewhere = Scripted::answering(|_| token(3600));
    for status in [301, 302, 303, 307, 308] {
        let (error, _) = first_failure(answer(status, &[("Location", &elsewhere.url())], ""));
        assert_eq!((error.kind(), error.http_status()), (ErrorKind::BadResponse, Some(status)), "{error}");
    }
    assert_eq!(elsewhere.requests(), [""; 0], "whoever can make a source redirect would be asked for tokens");
}

#[test]
fn a_source_that_never_answers_or_never_stops_answering_is_given_up() {
    let silent = Scripted::start(|_, stream| drop(stream.read(&mut [0]))); // until the client goes away
    let endless = Scripted::start(|_, stream| {
        let mut gone = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").is_err();
        while !gone {
            std::thread::sleep(Duration::from_millis(20)); // each byte well within any time-out of its own
            gone = stream.write_all(b" ").is_err();
        }
    });
    for source in [silent, endless] {
        let start = Instant::now();
        let (error, _) = failure_of(&managed_identity(&source.url(), &[("request_timeout_ms", "300")]));
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(error.message().contains("within 0.3 s"), "not the request's time-out: {error}");
        assert!(start.elapsed() < PATIENCE / 2, "{:?}", start.elapsed());
    }
}

#[test]
fn an_answer_that_is_far_too_long_is_not_read() {
    let good = jwt(&json!({"oid": "me", "exp": unix_s() + 3600}));
    let body = move |padding: usize| {
        json!({"padding": "x".repeat(padding), "access_token": good, "expires_in": 3600}).to_string()
    };
    let (error, _) = first_failure(answer(200, &[], &body(2 << 20)));
    assert_eq!(error.kind(), ErrorKind::BadResponse);
    assert!(error.message().contains("far too long"), "{error}");
    let source = Scripted::answering(move |_| answer(200, &[], &body(64 << 10)));
    managed_identity(&source.url(), &[]).get_token().unwrap();
}

#[test]
fn a_token_that_no_redis_command_could_carry_is_refused() {
    let good = jwt(&json!({"oid": "me", "exp": unix_s() + 3600}));
    for bad in ["", "\n", " ", "\r\n", "\t", "\0", "\u{a0}"] {
        for secret in
            [format!("{good}{bad}"), format!("{bad}{good}"), good.replacen('.', &format!(".{bad}"), 1)]
        {
            let secret = if bad.is_empty() { String::new() } else { secret };
            let body = json!({"access_token": secret, "expires_in": 3600}).to_string();
            let (error, _) = first_failure(answer(200, &[], &body));
            assert_eq!(error.kind(), ErrorKind::BadResponse, "{bad:?}: {error}");
        }
    }
}

#[test]
fn the_user_name_is_the_claim_that_was_asked_for() {
    let claims = json!({"oid": "the-object", "upn": "the-name", "exp": unix_s() + 3600});
    let body = json!({"access_token": jwt(&claims), "expires_in": 3600}).to_string();
    let source = Scripted::answering(move |_| answer(200, &[], &body));
    for (pairs, username) in [
        (&[][..], "the-object"),
        (&[("username_claim", "upn")], "the-name"),
        (&[("username_claim", "upn"), ("username", "me")], "me"),
    ] {
        let provider = managed_identity(&source.url(), pairs);
        assert_eq!(provider.get_token().unwrap().username(), username);
    }
}

#[test]
fn of_two_ends_of_a_token_the_earlier_one_counts() {
    let now = unix_s();
    for (expires_in, exp) in [(600, 3600), (3600, 600)] {
        let left = validity_left(&json!({"expires_in": expires_in}), json!({"iat": now, "exp": now + exp}));
        assert!((500..=600).contains(&left.as_secs()), "expires_in {expires_in}, exp {exp}: {left:?} left");
    }
    // No `expires_in`: the claim alone, though `expires_on` promises more.
    let left = validity_left(&json!({"expires_on": (now + 3600).to_string()}), json!({"exp": now + 600}));
    assert!((500..=600).contains(&left.as_secs()), "{left:?}");
}

#[test]
fn an_end_is_measured_with_the_clock_of_whoever_wrote_it() {
    for skew_s in [-7200_i64, 7200] {
        let there = unix_s().checked_add_signed(skew_s).unwrap();
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(there));
        let secret = jwt(&json!({"oid": "me", "iat": there, "nbf": there, "exp": there + 3600}));
        let body = json!({"access_token": secret, "expires_on": (there + 3600).to_string()}).to_string();
        let source = Scripted::answering(move |_| answer(200, &[("Date", &date)], &body));
        let provider = managed_identity(&source.url(), &[]);
        provider.get_token().unwrap();
        let left_s = provider.status().validity_left_ms.unwrap() / 1000;
        assert!((3500..=3600).contains(&left_s), "{skew_s} s off: {left_s} s left");
    }
}

#[test]
fn a_source_that_names_a_wait_is_not_asked_before() {
    let (error, wait) = first_failure(answer(429, &[("Retry-After", "60")], "{}"));
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(wait >= Duration::from_secs(60), "{wait:?}");
    let (_, wait) = first_failure(answer(503, &[("Retry-After", "60")], ""));
    assert!(wait >= Duration::from_secs(60), "{wait:?}");
    // A date in Retry-After is by the server's clock, which is an hour behind ours here.
    let there = UNIX_EPOCH + Duration::from_secs(unix_s() - 3600);
    let [date, until] = [there, there + Duration::from_secs(120)].map(httpdate::fmt_http_date);
    let (_, wait) = first_failure(answer(429, &[("Date", &date), ("Retry-After", &until)], "{}"));
    assert!(wait >= Duration::from_secs(120), "{wait:?}");
}

#[test]
fn imds_is_left_alone_for_a_second() {
    // 410: IMDS is being updated, which takes up to 70 s. It is asked again before that, since it is often back at
    // once.
    for status in [404, 410, 429, 500, 503] {
        let (error, wait) = first_failure(answer(status, &[], "{}"));
        assert!(error.is_retriable() && wait >= Duration::from_secs(1), "{status}: {wait:?}, {error}");
    }
}

#[test]
fn dropping_the_last_provider_ends_its_requests() {
    let source = Scripted::answering(|_| token(4));
    let provider = managed_identity(&source.url(), &[]);
    let (sender, events) = mpsc::channel();
    let observation = provider.observe(Level::Info, move |event| sender.send(event.name()).unwrap_or(()));
    let clone = provider.clone();
    provider.get_token().unwrap();
    drop(provider);
    wait_until("a clone keeps the token fresh", || clone.version() >= 2);
    drop(clone);
    wait_until("it is closed", || events.try_iter().any(|name| name == "closed"));
    let before = source.requests().len();
    std::thread::sleep(Duration::from_secs(5)); // longer than a token lives
    // A request may have been under way.
    assert!(source.requests().len() <= before + 1, "{before} requests, then {}", source.requests().len());
    drop(observation);
}

#[test]
fn dropping_a_subscription_removes_its_listener() {
    let source = Scripted::answering(|_| token(3600));
    let provider = managed_identity(&source.url(), &[]);
    provider.get_token().unwrap();
    let kept = provider.subscribe(|_| ()).unwrap();
    let (holder, held) = mpsc::channel::<()>();
    let dropped = provider.subscribe(move |_| holder.send(()).unwrap_or(())).unwrap();
    assert_eq!(provider.status().listeners.count, 2);
    drop(dropped);
    wait_until("one listener is left", || provider.status().listeners.count == 1);
    assert_eq!(
        held.recv_timeout(PATIENCE),
        Err(mpsc::RecvTimeoutError::Disconnected),
        "the callback is kept"
    );
    drop(kept);
}

#[test]
fn listeners_are_told_at_moments_of_their_own() {
    // Each token outlives the one before by at least a second, or it would not count as newer.
    let source = Scripted::answering(|number| token(3600 + 60 * number as u64));
    // A thousandth of an hour is 3.6 seconds over which they are spread.
    let pairs = [("reauth_spread", "0.001"), ("min_request_interval_ms", "250")];
    let provider = managed_identity(&source.url(), &pairs);
    provider.get_token().unwrap();
    let (sender, told) = mpsc::channel();
    let listeners: Vec<_> = (0..20)
        .map(|_| {
            let sender = sender.clone();
            provider.subscribe(move |_| sender.send(Instant::now()).unwrap_or(())).unwrap()
        })
        .collect();
    provider.refresh().unwrap();
    let moments: Vec<_> = listeners.iter().map(|_| told.recv_timeout(PATIENCE).expect("not told")).collect();
    let (first, last) = (moments.iter().min().unwrap(), moments.iter().max().unwrap());
    assert!(*last - *first > Duration::from_millis(500), "all within {:?}", *last - *first);
}

#[test]
fn a_caller_waits_while_imds_is_being_updated_and_is_told_so_if_that_outlasts_its_patience() {
    let source = Scripted::answering(|number| if number <= 2 { answer(410, &[], "{}") } else { token(3600) });
    let provider = managed_identity(&source.url(), &[]);
    assert_eq!(provider.get_token().unwrap().username(), "me");
    assert_eq!(source.requests().len(), 3);
    let updating = Scripted::answering(|_| answer(410, &[], "{}"));
    let provider = managed_identity(&updating.url(), &[("get_token_timeout_ms", "3000")]);
    let error = provider.get_token().unwrap_err();
    assert!(error.to_string().contains("70 s") && error.is_retriable(), "{error}");
    assert!(updating.requests().len() > 1, "it was asked again while the caller waited");
}

#[test]
fn an_answer_that_is_not_http_is_a_bad_response_that_says_so() {
    for text in ["SSH-2.0-OpenSSH_9.6\r\n", "-ERR unknown command 'GET'\r\n", "HTTP/9.9 what\r\n\r\n"] {
        let (error, _) = first_failure(text.into());
        assert_eq!(error.kind(), ErrorKind::BadResponse, "{text}: {error}");
        assert!(error.message().contains("not HTTP"), "{text}: {error}");
    }
}
