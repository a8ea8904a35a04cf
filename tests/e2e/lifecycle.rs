//! Fork, exit, close, suspended and skewed clocks, with the core's provider and real requests.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use entrakey_core::{Config, ErrorKind, Level, Provider, ProviderState};
use entrakey_tests::scripted::{Scripted, answer, jwt, unix_s};
use entrakey_tests::{Emulator, accept, wait_until};
use serde_json::json;
use std::io::Read as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

const FORKS: u32 = 1000;

fn managed_identity(endpoint: &str) -> Provider {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", endpoint).unwrap();
    Provider::new(&config).unwrap()
}

/// Whether this process has a thread of that name.
fn is_running(thread: &str) -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let mut names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.any(|name| name.starts_with(thread))
}

/// Runs `body` in a forked child and says with what it ended; None if it hung.
fn in_child(body: impl FnOnce() -> i32) -> Option<i32> {
    // SAFETY: the child runs `body` and leaves by `_exit`, so that no destructor of the parent's test
    // harness runs twice. glibc makes its allocator usable in the child of a threaded process.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no more processes");
    if pid == 0 {
        let code = body();
        // SAFETY: ends this process, nothing more.
        unsafe { libc::_exit(code) };
    }
    let start = Instant::now();
    let mut status = 0;
    // SAFETY: `status` is writable and `pid` is our own child, not yet reaped.
    while unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } == 0 {
        if start.elapsed() > Duration::from_secs(20) {
            // SAFETY: our own child, which has not been reaped.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            return None;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    Some(if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) })
}

#[test]
fn a_thousand_forks_under_load_each_work_without_a_request_and_leave_the_parent_alone() {
    let emulator = Emulator::start("1h");
    let provider = managed_identity(emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    provider.get_token().unwrap();
    let inherited = provider.subscribe(|_| ()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // This load takes every lock again and again, so that some fork happens while one is held.
        for worker in 0..4 {
            let (provider, stop) = (&provider, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    provider.get_token().unwrap();
                    match worker {
                        0 => drop(provider.status()),
                        1 => drop(provider.subscribe(|_| ()).unwrap()),
                        2 => provider.refresh().unwrap(),
                        _ => std::thread::yield_now(),
                    }
                }
            });
        }
        for number in 0..FORKS {
            let ended = in_child(|| {
                inherited.ack(1, false); // in the child an inherited subscription does nothing, and must not hang
                child(&provider, number)
            });
            assert_eq!(ended, Some(0), "child {number}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    let status = provider.status();
    assert_eq!(status.state, ProviderState::Fresh);
    assert_eq!(emulator.token_requests(), status.counters.fetches, "a child asked for a token");
    assert_eq!(
        provider.report_rejected(provider.version(), "WRONGPASS").unwrap().reason.name(),
        "no_access_policy"
    );
}

/// What a forked worker does. The exit code says what was wrong.
fn child(provider: &Provider, number: u32) -> i32 {
    let is_closed = || provider.get_token().map_err(|error| error.kind()).err() == Some(ErrorKind::Closed);
    if number % 4 == 1 {
        provider.close(); // first of all, while the parent's threads may have held its locks
        return i32::from(!is_closed()) * 7;
    }
    if provider.get_token().is_err() {
        return 1;
    }
    if provider.current().is_none() || !provider.status().ready {
        return 2;
    }
    let Ok(subscription) = provider.subscribe(|_| ()) else { return 3 };
    let (sender, answer) = std::sync::mpsc::channel();
    provider.get_token_then(Default::default(), move |token| sender.send(token.is_ok()).unwrap_or(()));
    if answer.recv_timeout(Duration::from_secs(5)) != Ok(true) {
        return 4;
    }
    if provider.status().counters.fetches != 0 {
        return 5;
    }
    if number.is_multiple_of(2) {
        provider.close();
        if !is_closed() {
            return 6;
        }
    }
    drop(subscription);
    0
}

#[test]
fn whatever_a_forked_child_calls_first_wakes_its_own_refresher() {
    type First = fn(&Provider) -> bool;
    let firsts: [(&str, First); 4] = [
        ("get_token", |provider| provider.get_token().is_ok()),
        ("get_token_then", |provider| {
            let (sender, answer) = std::sync::mpsc::channel();
            provider
                .get_token_then(Default::default(), move |token| sender.send(token.is_ok()).unwrap_or(()));
            answer.recv_timeout(Duration::from_secs(5)) == Ok(true)
        }),
        ("current", |provider| provider.current().is_some()),
        ("status", |provider| provider.status().ready),
    ];
    for (name, first) in firsts {
        let emulator = Emulator::start("3s");
        let provider = managed_identity(emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
        provider.get_token().unwrap();
        let ended = in_child(|| if first(&provider) { refreshes_by_itself(&provider) } else { 2 });
        assert_eq!(ended, Some(0), "{name}");
    }
}

/// In a child: 0 once there are newer tokens, for which nobody asks.
fn refreshes_by_itself(provider: &Provider) -> i32 {
    let start = Instant::now();
    while provider.version() < 3 {
        if start.elapsed() > Duration::from_secs(10) {
            return 1;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    0
}

#[test]
fn a_forked_child_does_not_take_its_parents_snapshot_for_its_own() {
    let emulator = Emulator::start("1h");
    let provider = managed_identity(emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    let secret = provider.get_token().unwrap().secret().to_owned();
    let held = provider.hold().unwrap();
    let ended = in_child(|| {
        // A caller that could go on reading the dead token would never wake the refresher.
        if provider.is_newest(&held) || provider.hold().is_some() || provider.with_usable(|_| ()).is_some() {
            return 1;
        }
        if !provider.get_token().is_ok_and(|token| token.secret() == secret) {
            return 2;
        }
        match provider.hold() {
            Some(own) if provider.is_newest(&own) && !provider.is_newest(&held) => 0,
            _ => 3,
        }
    });
    assert_eq!(ended, Some(0));
    assert!(provider.is_newest(&held), "the parent's is as it was");
    assert_eq!(emulator.token_requests(), 1, "the child has its parent's token");
}

#[test]
fn closing_an_inherited_provider_runs_no_destructor_of_the_parents_host() {
    static DROPPED: AtomicBool = AtomicBool::new(false);
    struct Host;
    impl Drop for Host {
        fn drop(&mut self) {
            DROPPED.store(true, Ordering::SeqCst);
        }
    }
    let emulator = Emulator::start("1h");
    let provider = managed_identity(emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    provider.get_token().unwrap();
    let host = Host;
    let subscription = provider
        .subscribe(move |_| {
            let _ = &host;
        })
        .unwrap();
    wait_until("the request's thread has ended, which holds the engine", || !is_running("entrakey-fetch"));
    let ended = in_child(|| {
        provider.close(); // the first call in the child: the engine is still the parent's
        i32::from(DROPPED.load(Ordering::SeqCst))
    });
    assert_eq!(ended, Some(0), "what belongs to the parent's host was dropped in the child");
    drop(subscription);
    provider.close();
    wait_until("it is dropped in the parent", || DROPPED.load(Ordering::SeqCst));
}

#[test]
fn a_listener_an_observer_and_an_answer_may_fork() {
    let emulator = Emulator::start("3s");
    let provider = managed_identity(emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST"));
    let (sender, ended) = std::sync::mpsc::channel();
    let forks = |what: &'static str| {
        let (provider, sender) = (provider.clone(), sender.clone());
        move || {
            let done = in_child(|| i32::from(provider.get_token().is_err()));
            sender.send((what, done)).unwrap_or(());
        }
    };
    let (in_answer, in_listener, in_observer) = (forks("answer"), forks("listener"), forks("observer"));
    let observer = provider.observe(Level::Info, move |_| in_observer()).unwrap();
    provider.get_token_then(Default::default(), move |_| in_answer());
    let subscription = provider.subscribe(move |_| in_listener()).unwrap();
    let mut missing = vec!["answer", "listener", "observer"];
    while !missing.is_empty() {
        let (what, done) = ended.recv_timeout(Duration::from_secs(30)).expect("a callback is not called");
        assert_eq!(done, Some(0), "the child of the {what}");
        missing.retain(|left| *left != what);
    }
    drop((observer, subscription));
    assert!(provider.get_token().is_ok(), "the parent goes on");
}

#[test]
fn a_process_that_exits_without_close_during_a_fetch_ends_at_once() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let start = Instant::now();
    let ended = in_child(|| {
        let provider = managed_identity(&endpoint);
        let waiting = provider.clone();
        std::thread::spawn(move || waiting.get_token().map(drop));
        let _request = silent.accept(); // the request is under way
        // SAFETY: what returning from `main` does: runs the exit handlers and ends the process.
        unsafe { libc::exit(7) }
    });
    assert_eq!(ended, Some(7));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn close_during_a_tls_handshake_that_hangs_returns_at_once_and_callers_get_closed() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = Config::new();
    for (key, value) in [
        ("identity", "service_principal"),
        ("tenant_id", "t"),
        ("client_id", "c"),
        ("client_secret", "s"),
        ("authority_host", &format!("https://{}", silent.local_addr().unwrap())),
    ] {
        config.set(key, value).unwrap();
    }
    let provider = Provider::new(&config).unwrap();
    let waiting = provider.clone();
    let caller = std::thread::spawn(move || waiting.get_token().unwrap_err().kind());
    let mut connection = accept(&silent);
    connection.read_exact(&mut [0; 5]).unwrap(); // the client has begun the handshake
    let start = Instant::now();
    provider.close();
    assert_eq!(caller.join().unwrap(), ErrorKind::Closed);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// A managed identity endpoint whose clock is off by `skew_s` seconds.
fn skewed(skew_s: i64) -> Scripted {
    Scripted::answering(move |_| {
        let there = unix_s().checked_add_signed(skew_s).unwrap();
        let (issued, expires) = (there - 300, there + 3600);
        let claims = json!({"oid": "me", "iat": issued, "nbf": issued, "exp": expires});
        let body = json!({"access_token": jwt(&claims), "expires_on": expires.to_string()}).to_string();
        let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(there));
        answer(200, &[("Date", &date)], &body)
    })
}

#[test]
fn a_clock_that_is_ten_minutes_off_is_served_and_reported() {
    for skew_s in [-600, 600] {
        let source = skewed(skew_s);
        let provider = managed_identity(&source.url());
        let token = provider.get_token().unwrap();
        let status = provider.status();
        assert!((3500..3600).contains(&(status.validity_left_ms.unwrap() / 1000)), "{}", status.to_json());
        let reported = status.clock_skew_ms.unwrap() + skew_s * 1000;
        assert!(reported.abs() < 2000, "{}", status.to_json());
        let rejection = provider.report_rejected(token.version(), "WRONGPASS").unwrap();
        assert_eq!(rejection.reason.name(), "clock_skew");
    }
}

#[test]
fn a_secret_in_a_file_is_read_anew_and_a_change_of_it_ends_the_wait_after_a_refusal() {
    let emulator = Emulator::start("1h");
    let path = std::env::temp_dir().join(format!("entrakey-secret-{}", std::process::id()));
    std::fs::write(&path, "an-old-secret\n").unwrap();
    let mut config = Config::new();
    for (key, value) in [
        ("identity", "service_principal"),
        ("tenant_id", emulator.get("AZURE_TENANT_ID")),
        ("client_id", emulator.get("AZURE_CLIENT_ID")),
        ("client_secret_path", path.to_str().unwrap()),
        ("authority_host", emulator.get("AZURE_AUTHORITY_HOST")),
        ("ca_file", emulator.get("ENTRAKEY_CA_FILE")),
    ] {
        config.set(key, value).unwrap();
    }
    let provider = Provider::new(&config).unwrap();
    let error = provider.get_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRejected);
    assert!(!error.to_string().contains("an-old-secret"), "{error}");
    provider.refresh().unwrap(); // after this second refusal the next scheduled attempt is some 10 s away
    wait_for(&provider, || provider.status().counters.failures.get("AUTH_REJECTED") == Some(&2));
    let (start, planned) = (Instant::now(), provider.status().next_refresh_in_ms.unwrap());
    std::fs::write(&path, emulator.get("AZURE_CLIENT_SECRET")).unwrap();
    // Callers that ask all the time must not delay the check of the file.
    wait_for(&provider, || provider.get_token().is_ok());
    assert!(start.elapsed() < Duration::from_millis(planned), "it was the scheduled attempt that brought it");
    std::fs::remove_file(&path).unwrap();
}

fn wait_for(provider: &Provider, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "{}", provider.status().to_json());
        std::thread::sleep(Duration::from_millis(10));
    }
}
