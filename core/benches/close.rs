//! How long `close` takes while 64 threads do nothing but call the provider, worst of five.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on should panic")]

use entrakey_core::{Config, Provider};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const CALLERS: usize = 64;
const TRIALS: usize = 5;
const HOUR: Duration = Duration::from_secs(3600);
const REFUSAL: &str = "WRONGPASS invalid username-password pair or user is disabled.";

type Call = fn(&Provider);

fn provider() -> Provider {
    let mut config = Config::new();
    config.set("username", "me").unwrap();
    config.on_token_request(|request| {
        let expires = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + HOUR;
        request.complete("opaque".to_owned().into(), Some(expires.as_millis() as u64));
    });
    let provider = Provider::new(&config).unwrap();
    provider.get_token().unwrap();
    provider
}

fn time_to_close(call: Call) -> Duration {
    let (provider, stop) = (provider(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    call(&provider);
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300)); // until all of them are at it
        let started = Instant::now();
        provider.close();
        let took = started.elapsed();
        stop.store(true, Ordering::Relaxed);
        took
    })
}

fn main() {
    let calls: [(&str, Call); 4] = [
        ("get_token", |provider| drop(provider.get_token())),
        ("status", |provider| drop(provider.status())),
        ("subscribe", |provider| drop(provider.subscribe(|_| ()))),
        ("report_rejected", |provider| drop(provider.report_rejected(1, REFUSAL))),
    ];
    println!("{CALLERS} threads call     close takes (worst of {TRIALS})");
    for (name, call) in calls {
        let worst = (0..TRIALS).map(|_| time_to_close(call)).max().unwrap_or_default();
        println!("{name:<20} {:>11.2} ms", worst.as_secs_f64() * 1e3);
    }
}
