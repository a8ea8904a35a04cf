//! A deterministic simulation of the refresh engine: random histories on a virtual clock, judged at every
//! step. `cargo test -p entrakey-core --features internals --test simulation -- --help`

mod fleet;
mod oracle;
mod source;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use world::{Sums, World};

const YEAR_S: f64 = 365.25 * 24.0 * 3600.0;
const HELP: &str = "\
--years N   simulate at least so many token-years (default 2000)
--start N   the first seed (default 1)
--seed N    replay one history and print what happens
--fleet     how a fleet that was deployed at once spreads over time";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut years, mut start) = (2000.0, 1);
    while let Some(argument) = arguments.next() {
        if argument == "--fleet" {
            fleet::run();
            return ExitCode::SUCCESS;
        }
        let number = arguments.next().and_then(|text| text.parse::<u64>().ok());
        match (argument.as_str(), number) {
            ("--years", Some(number)) => years = number as f64,
            ("--start", Some(number)) => start = number,
            ("--seed", Some(number)) => return replay(number),
            _ => {
                println!("{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    simulate(years, start)
}

fn replay(seed: u64) -> ExitCode {
    let mut world = World::new(seed);
    world.trace = true;
    match world.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn simulate(years: f64, start: u64) -> ExitCode {
    let began = Instant::now();
    let (next, simulated_s, stop) = (AtomicU64::new(start), AtomicU64::new(0), AtomicBool::new(false));
    let work = || {
        let mut sums = Sums::default();
        let mut failure = None;
        while !stop.load(Ordering::Relaxed) && (simulated_s.load(Ordering::Relaxed) as f64) < years * YEAR_S {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            let mut world = World::new(seed);
            if let Err(violation) = world.run() {
                stop.store(true, Ordering::Relaxed);
                failure = Some((seed, violation));
                break;
            }
            simulated_s.fetch_add(world.sums.seconds as u64, Ordering::Relaxed);
            sums.add(&world.sums);
        }
        (sums, failure)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut sums = Sums::default();
    results.iter().for_each(|(part, _)| sums.add(part));
    let took = began.elapsed().as_secs_f64();
    println!(
        "{} histories, {:.0} token-years ({:.0} a minute), {} requests, {} tokens, {} calls, {} notifications, \
         {} steps in {took:.1} s",
        sums.histories,
        sums.seconds / YEAR_S,
        sums.seconds / YEAR_S / took * 60.0,
        sums.requests,
        sums.tokens,
        sums.calls,
        sums.notifications,
        sums.steps,
    );
    let failures: Vec<_> = results.into_iter().filter_map(|(_, failure)| failure).collect();
    for (seed, violation) in &failures {
        println!("seed {seed}: {violation}\n  replay: make simulate ARGS=\"--seed {seed}\"");
    }
    let complete = sums.seconds >= years * YEAR_S && results_are_many(&sums);
    if failures.is_empty() && complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A simulation in which nothing happens proves nothing.
fn results_are_many(sums: &Sums) -> bool {
    sums.requests > sums.histories && sums.tokens > sums.histories && sums.notifications > sums.histories / 2
}
