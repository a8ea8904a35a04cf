//! A provider in real time against a source that is down 40 % of the time, with 5-second tokens and 50
//! listeners of which some stall or panic. `make soak`, or `make soak MINUTES=1`.
#![allow(clippy::unwrap_used, reason = "a soak that cannot go on should panic")]

mod relay;

use entrakey_core::{Config, Provider, Subscription, Token};
use entrakey_tests::Emulator;
use relay::Relay;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const DOWN: f64 = 0.4;
const LIFETIME: Duration = Duration::from_secs(5);
const CALLERS: usize = 8;
const LISTENERS: usize = 50;
/// Every so many a listener stalls, and every so many panics.
const STALLS_EVERY: usize = 5;
const PANICS_EVERY: usize = 7;
/// 0.15 of the life: what is to be left when every connection has heard of a new token.
const MARGIN: Duration = Duration::from_millis(750);
/// With the source up this long before the margin, a new token must be there in time: the last request that
/// hangs (1.25 s), the longest pause (0.25 s), the interval after an answer (0.25 s), and the spread (0.125 s).
const HEALTHY: Duration = Duration::from_millis(2250);
/// How long a call waits: less than an outage may last, so that some do fail.
const PATIENCE_MS: &str = "2000";
/// With the source up this long no call may fail: the last request that hangs (1.25 s), and the longest pause
/// without a token (a third of the patience).
const CALL_HEALTHY: Duration = Duration::from_millis(1250 + 667);
/// A busy machine may wake a thread this late.
const SLACK: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Tally {
    calls: AtomicU64,
    errors: AtomicU64,
    /// Calls that failed although the source had been up for long enough.
    needless: AtomicU64,
    expired: AtomicU64,
    told: AtomicU64,
    missed: AtomicU64,
    stop: AtomicBool,
}

fn main() -> ExitCode {
    let minutes: f64 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10.0);
    std::panic::set_hook(Box::new(|_| ())); // the listeners' panics are on purpose
    let emulator = Emulator::start("5s");
    let target = emulator.get("AZURE_POD_IDENTITY_AUTHORITY_HOST").trim_start_matches("http://").to_owned();
    let relay = Arc::new(Relay::start(target, DOWN));
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("imds_endpoint", &relay.endpoint).unwrap();
    config.set("get_token_timeout_ms", PATIENCE_MS).unwrap();
    config.set("request_timeout_ms", "1000").unwrap();
    let provider = Provider::new(&config).unwrap();
    provider.get_token().unwrap();
    let tally = Arc::new(Tally::default());
    let listeners: Vec<Arc<Listener>> =
        (0..LISTENERS).map(|number| Listener::new(&provider, number)).collect();
    let subscriptions: Vec<Subscription> =
        listeners.iter().map(|listener| listen(&provider, listener.clone(), &relay, &tally)).collect();
    let callers: Vec<_> = (0..CALLERS).map(|_| call(&provider, &relay, &tally)).collect();
    let (growth, grew) = watch(&provider, &tally, &relay, Duration::from_secs_f64(minutes * 60.0));
    let behind = listeners.iter().filter(|listener| listener.is_owed(&relay)).count() as u64;
    tally.missed.fetch_add(behind, Ordering::Relaxed);
    tally.stop.store(true, Ordering::Relaxed);
    callers.into_iter().for_each(|caller| caller.join().unwrap());
    drop(subscriptions);
    println!("{}\n{growth}", provider.status().to_json());
    if verdict(&tally, &listeners) && !grew { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Whether everything that was promised was kept.
fn verdict(tally: &Tally, listeners: &[Arc<Listener>]) -> bool {
    let forgotten = listeners
        .iter()
        .filter(|listener| !listener.stalls && listener.told.load(Ordering::Relaxed) == 0)
        .count() as u64;
    let counts = [
        ("expired tokens handed out", tally.expired.load(Ordering::Relaxed)),
        ("margins missed with a healthy source", tally.missed.load(Ordering::Relaxed)),
        ("calls that failed with a healthy source", tally.needless.load(Ordering::Relaxed)),
        ("listeners that were never told", forgotten),
    ];
    counts.iter().for_each(|(what, count)| println!("{what}: {count}"));
    counts.iter().all(|(_, count)| *count == 0)
}

fn call(provider: &Provider, relay: &Arc<Relay>, tally: &Arc<Tally>) -> std::thread::JoinHandle<()> {
    let (provider, relay, tally) = (provider.clone(), relay.clone(), tally.clone());
    std::thread::spawn(move || {
        while !tally.stop.load(Ordering::Relaxed) {
            match provider.get_token() {
                Ok(token) if expiry(&token) <= now() => tally.expired.fetch_add(1, Ordering::Relaxed),
                Ok(_) => tally.calls.fetch_add(1, Ordering::Relaxed),
                Err(_) => failed(&relay, &tally),
            };
            std::thread::sleep(Duration::from_millis(5));
        }
    })
}

fn failed(relay: &Relay, tally: &Tally) -> u64 {
    let end = Instant::now();
    if relay.was_up(end - CALL_HEALTHY - SLACK, end) {
        tally.needless.fetch_add(1, Ordering::Relaxed);
    }
    tally.errors.fetch_add(1, Ordering::Relaxed)
}

/// One listener, and what is known of it from outside.
struct Listener {
    stalls: bool,
    panics: bool,
    told: AtomicU64,
    /// Until when the token is good that it was told of last, since the Unix epoch.
    held: Mutex<Duration>,
}

impl Listener {
    fn new(provider: &Provider, number: usize) -> Arc<Self> {
        let held = Mutex::new(expiry(&provider.get_token().unwrap()));
        let (stalls, panics) = (number.is_multiple_of(STALLS_EVERY), number.is_multiple_of(PANICS_EVERY));
        Arc::new(Self { stalls, panics, told: AtomicU64::new(0), held })
    }

    /// Whether it is past the margin of a token that ends at `old`, and the source was up long enough before.
    fn missed(&self, old: Duration, relay: &Relay) -> bool {
        let late = (now() + MARGIN).saturating_sub(old);
        let deadline = Instant::now() - late;
        !self.stalls && late > SLACK && relay.was_up(deadline - HEALTHY, deadline)
    }

    /// Whether it should have heard of a newer token by now and has not.
    fn is_owed(&self, relay: &Relay) -> bool {
        let held = *self.held.lock().unwrap();
        self.missed(held, relay)
    }
}

fn listen(
    provider: &Provider,
    listener: Arc<Listener>,
    relay: &Arc<Relay>,
    tally: &Arc<Tally>,
) -> Subscription {
    let (relay, tally) = (relay.clone(), tally.clone());
    let told = move |token: &Arc<Token>| {
        tally.told.fetch_add(1, Ordering::Relaxed);
        listener.told.fetch_add(1, Ordering::Relaxed);
        let old = std::mem::replace(&mut *listener.held.lock().unwrap(), expiry(token));
        if listener.missed(old, &relay) {
            tally.missed.fetch_add(1, Ordering::Relaxed);
        }
        if listener.stalls {
            std::thread::sleep(LIFETIME.mul_f64(2.0 * fastrand::f64()));
        }
        if listener.panics {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
    };
    provider.subscribe(told).unwrap()
}

/// A line every so often, and at the end whether memory or threads have grown.
fn watch(provider: &Provider, tally: &Tally, relay: &Relay, length: Duration) -> (String, bool) {
    let start = Instant::now();
    println!("   time  source up  calls   errors  expired  told  missed  fetches  threads  memory");
    let mut readings = Vec::new();
    while start.elapsed() < length {
        std::thread::sleep((length / 40).min(Duration::from_secs(10)));
        let (threads, kilobytes) = usage();
        readings.push((threads, kilobytes));
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        println!(
            "{:>5.0} s  {:>8.0} %  {:>5}  {:>6}  {:>7}  {:>4}  {:>6}  {:>7}  {threads:>7}  {:>4.1} MB",
            start.elapsed().as_secs_f64(),
            relay.share_up() * 100.0,
            read(&tally.calls),
            read(&tally.errors),
            read(&tally.expired),
            read(&tally.told),
            read(&tally.missed),
            provider.status().counters.fetches,
            kilobytes as f64 / 1024.0,
        );
    }
    growth(&readings)
}

/// The first quarter warms up; then the greatest of the second quarter is compared with that of the last.
fn growth(readings: &[(u64, u64)]) -> (String, bool) {
    let quarter = readings.len() / 4;
    let most = |part: &[(u64, u64)]| {
        let threads = part.iter().map(|reading| reading.0).max().unwrap_or(0);
        (threads, part.iter().map(|reading| reading.1).max().unwrap_or(0))
    };
    let before = most(&readings[quarter..2 * quarter]);
    let after = most(&readings[3 * quarter..]);
    let text = format!(
        "threads at most {} early and {} late, memory {:.1} and {:.1} MB",
        before.0,
        after.0,
        before.1 as f64 / 1024.0,
        after.1 as f64 / 1024.0
    );
    // Stalled callbacks come and go; a leak would add hundreds of either.
    (text, after.0 > before.0 + 20 || after.1 > before.1 + 4096)
}

/// Threads, and resident memory in kilobytes (Linux).
fn usage() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()).and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    (field("Threads:"), field("VmRSS:"))
}

/// The token's own `exp`, since the Unix epoch.
fn expiry(token: &Token) -> Duration {
    use base64::Engine as _;
    let payload = token.secret().split('.').nth(1).unwrap();
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap();
    let claims: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    Duration::from_secs(claims["exp"].as_u64().unwrap())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
