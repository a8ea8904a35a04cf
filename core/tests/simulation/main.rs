//! A deterministic simulation of the refresh engine: random histories on a virtual clock, judged at every
//! step. `cargo test -p entrakey-core --features internals --test simulation -- --help`

#![allow(clippy::expect_used, reason = "what the source makes up is known to be in order")]

mod answers;
mod connections;
mod draws;
mod fleet;
mod incidents;
mod judge;
mod ledger;
mod listeners;
mod promise;
mod requests;
mod source;
mod source_life;
mod world;

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use world::{Sums, World};

const YEAR_S: f64 = 365.25 * 24.0 * 3600.0;
const HELP: &str = "\
--years N   simulate at least so many token-years (default 400)
--start N   the first seed (default 1)
--seed N    replay one history and print what happens
--fleet     how a fleet that was deployed at once spreads over time";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (mut years, mut start) = (400.0, 1);
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

/// The seeds whose histories make up so many years. Fixed beforehand: the same command lives through the same
/// histories, however many threads share them.
fn seeds(years: f64, start: u64) -> std::ops::Range<u64> {
    let (mut left, mut seed) = (years * YEAR_S, start);
    while left > 0.0 {
        left -= World::length(seed).as_secs_f64();
        seed += 1;
    }
    start..seed
}

fn simulate(years: f64, start: u64) -> ExitCode {
    let began = Instant::now();
    let seeds = seeds(years, start);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
    let results: Vec<_> = std::thread::scope(|scope| {
        let work = || live_through(&next, seeds.end, &stop);
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).collect()
    });
    let took = began.elapsed().as_secs_f64();
    // Seeds are taken in order and every one that was taken is finished: the first to fail is always the same.
    if let Some((seed, violation)) = results.iter().filter_map(|(_, failure)| failure.as_ref()).min() {
        println!("seed {seed}, history {}: {violation}", seed - start + 1);
        println!("  replay: make simulate ARGS=\"--seed {seed}\"");
        return ExitCode::FAILURE;
    }
    let mut sums = Sums::default();
    results.iter().for_each(|(part, _)| sums.add(part));
    report(&sums, took);
    if let Some((draw, tenths)) = sums.draws.lopsided() {
        println!("what should be drawn at random is not: {draw:?}, by tenths of its span {tenths:?}");
        return ExitCode::FAILURE;
    }
    let complete = sums.histories == seeds.end - seeds.start && results_are_many(&sums);
    if complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

type Outcome = (Sums, Option<(u64, String)>);

/// One thread's share: seed after seed until none is left or one has failed.
fn live_through(next: &AtomicU64, end: u64, stop: &AtomicBool) -> Outcome {
    let mut sums = Sums::default();
    while !stop.load(Ordering::Relaxed) {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        let mut world = World::new(seed);
        if let Err(violation) = world.run() {
            stop.store(true, Ordering::Relaxed);
            return (sums, Some((seed, violation)));
        }
        sums.add(&world.sums);
    }
    (sums, None)
}

fn report(sums: &Sums, took: f64) {
    let years = sums.seconds as f64 / YEAR_S;
    println!(
        "{} histories, {years:.0} token-years, {} requests, {} tokens, {} calls, {} notifications, {} forks, \
         {} steps",
        sums.histories, sums.requests, sums.tokens, sums.calls, sums.notifications, sums.forks, sums.steps,
    );
    println!("in {took:.1} s, {:.0} token-years a minute", years / took * 60.0);
}

/// A simulation in which nothing happens proves nothing.
fn results_are_many(sums: &Sums) -> bool {
    sums.requests > sums.histories && sums.tokens > sums.histories && sums.notifications > sums.histories / 2
}
