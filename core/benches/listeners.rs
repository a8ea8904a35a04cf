//! What listeners cost: to come, to hear of one new token each, to go. The engine's share, without the host's code.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot go on should panic")]

use entrakey_core::DuringOutage;
use entrakey_core::internals::{Action, Grant, Input, Machine, Now, Policy, Wish};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const HOUR: Duration = Duration::from_secs(3600);

struct Bench {
    machine: Machine,
    now: Now,
    rng: fastrand::Rng,
}

impl Bench {
    fn new() -> Self {
        let now = Now { boot: 10 * HOUR, monotonic: 10 * HOUR, wall: 10 * HOUR };
        Self { machine: Machine::new(Policy::default()), now, rng: fastrand::Rng::with_seed(1) }
    }

    /// As the driver does: each event is followed by a look at the next alarm.
    fn step(&mut self, event: Input) -> Vec<Action> {
        let Self { machine, now, rng } = self;
        let actions = machine.step(*now, event, &mut || rng.f64());
        std::hint::black_box(machine.alarm(*now));
        actions
    }

    fn pass_to(&mut self, at: Duration) {
        let time = at.saturating_sub(self.now.boot);
        self.now.boot += time;
        self.now.monotonic += time;
        self.now.wall += time;
    }

    /// A new token; the actions that follow from it.
    fn rotate(&mut self, wish: Input, secret: &str) -> Vec<Action> {
        let actions = self.step(wish);
        let number = actions.iter().find_map(|action| match action {
            Action::Fetch(number, _) => Some(*number),
            _ => None,
        });
        let grant = Grant {
            secret: Zeroizing::new(secret.to_owned()),
            username: "oid".to_owned(),
            remaining: HOUR,
            lifetime: HOUR,
            is_life_stated: true,
            refresh_in: None,
            sent_at: self.now.boot,
            not_before: Duration::ZERO,
            skew_ms: None,
            uti: None,
        };
        self.step(Input::Answered(number.unwrap(), grant))
    }

    /// Calls those who are to be called; how many.
    fn call(&mut self, actions: Vec<Action>) -> u64 {
        let mut calls = 0;
        for action in actions {
            if let Action::Notify(listener) = action {
                calls += u64::from(self.machine.tell(self.now, listener).is_some());
                self.step(Input::Returned { listener, panicked: false });
            }
        }
        calls
    }
}

fn measure(listeners: u64) -> [Duration; 3] {
    let mut bench = Bench::new();
    let wish = Wish { deadline: bench.now.boot + HOUR, during_outage: DuringOutage::Wait, hands_on: false };
    bench.rotate(Input::Get(0, wish), "one");
    bench.pass_to(bench.now.boot + HOUR / 6);

    let started = Instant::now();
    (1..=listeners).for_each(|id| drop(bench.step(Input::Subscribed(id))));
    let subscribed = started.elapsed();

    let started = Instant::now();
    let mut actions = bench.rotate(Input::Refresh, "two");
    let mut called = bench.call(actions);
    while called < listeners {
        bench.pass_to(bench.machine.alarm(bench.now).unwrap());
        actions = bench.step(Input::Timer);
        called += bench.call(actions);
    }
    let rotated = started.elapsed();

    let started = Instant::now();
    (1..=listeners).for_each(|id| drop(bench.step(Input::Unsubscribed(id))));
    [subscribed, rotated, started.elapsed()]
}

fn main() {
    println!("listeners   subscribe   one rotation   unsubscribe   (microseconds for each listener)");
    for listeners in [1, 100, 10_000, 100_000] {
        let [subscribe, rotate, unsubscribe] =
            measure(listeners).map(|time| time.as_secs_f64() * 1e6 / listeners as f64);
        println!("{listeners:>9} {subscribe:>11.2} {rotate:>14.2} {unsubscribe:>13.2}");
    }
}
