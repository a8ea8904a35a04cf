//! A cached `get_token` against its floor: loading an `Arc` from an `ArcSwap`, and cloning it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on should panic")]

use arc_swap::ArcSwap;
use criterion::{Criterion, criterion_group};
use entrakey_core::{Config, Provider};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

const FLOOR: &str = "arc_swap load, Arc clone and drop";
const CASES: [&str; 3] = ["get_token", "with_usable", "version"];

/// A provider whose token, of an hour, came from a source on loopback.
fn provider() -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let _ = connection.read(&mut [0; 4096]).unwrap();
        let body = r#"{"access_token":"opaque","expires_in":"3600"}"#;
        let length = body.len();
        write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
            .unwrap();
    });
    let mut config = Config::new();
    for (key, value) in [("identity", "managed_identity"), ("imds_endpoint", &endpoint), ("username", "me")] {
        config.set(key, value).unwrap();
    }
    let provider = Provider::new(&config).unwrap();
    provider.get_token().unwrap();
    provider
}

fn hit_path(criterion: &mut Criterion) {
    let provider = provider();
    let floor = ArcSwap::from_pointee(1_u64);
    let mut group = criterion.benchmark_group("cached");
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    group.bench_function("floor", |bencher| bencher.iter(|| Arc::clone(&floor.load())));
    group.bench_function(CASES[0], |bencher| bencher.iter(|| provider.get_token().unwrap()));
    group.bench_function(CASES[1], |bencher| bencher.iter(|| provider.with_usable(|token| token.version())));
    group.bench_function(CASES[2], |bencher| bencher.iter(|| provider.version()));
    group.finish();
}

/// The median of a case in nanoseconds, as criterion has just written it.
fn median_ns(case: &str) -> f64 {
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let path = target.join(format!("criterion/cached/{case}/new/estimates.json"));
    let estimates: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    estimates["median"]["point_estimate"].as_f64().unwrap()
}

criterion_group!(benches, hit_path);

fn main() {
    benches();
    let floor = median_ns("floor");
    println!("\n{FLOOR}: {floor:.1} ns");
    for case in CASES {
        let time = median_ns(case);
        println!("{case:<12} {time:>6.1} ns  {:>5.2} times that", time / floor);
    }
}
