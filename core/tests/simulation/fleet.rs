//! A fleet that was deployed at once: how many requests a second the token source sees, and how many
//! re-authentications a second one server sees.

use entrakey_core::DuringOutage;
use entrakey_core::internals::{Action, Grant, Input, Machine, Now, Policy, Wish};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;
use zeroize::Zeroizing;

const PROVIDERS: usize = 10_000;
const ROTATIONS: usize = 5;
const LIFETIME: Duration = Duration::from_secs(3600);
const START: Duration = Duration::from_secs(1_000_000);
/// How long the source takes to answer.
const LATENCY: Duration = Duration::from_millis(50);

struct Member {
    machine: Machine,
    requests: usize,
    notifications: usize,
    /// The request under way and when it ends.
    flight: Option<(u64, Duration)>,
}

/// The times of each rotation's requests and notifications, over the whole fleet.
#[derive(Default)]
struct Record {
    requests: Vec<Vec<Duration>>,
    notifications: Vec<Vec<Duration>>,
}

pub fn run() {
    println!("{PROVIDERS} providers started within one second, tokens of one hour\n");
    for (name, jitter) in [("without jitter", 0.0), ("as configured", 0.05)] {
        let policy = Policy { refresh_jitter: jitter, ..Policy::default() };
        let record = simulate(PROVIDERS, 1, &policy);
        println!("{name:<16} requests a second       re-authentications a second at one server");
        println!("rotation         peak       mean       peak       mean");
        for rotation in 1..=ROTATIONS {
            let (peak, mean) = rates(&record.requests[rotation]);
            let (auth_peak, auth_mean) = rates(&record.notifications[rotation - 1]);
            println!("{rotation:<10} {peak:>10} {mean:>10.1} {auth_peak:>10} {auth_mean:>10.1}");
        }
        println!();
    }
    let record = simulate(1, PROVIDERS as u64, &Policy::default());
    let (peak, mean) = rates(&record.notifications[0]);
    println!(
        "one provider with {PROVIDERS} connections: {peak} re-authentications a second at the peak, {mean:.1} mean"
    );
}

/// Peak in any one second counted from the first, and the mean from first to last.
fn rates(times: &[Duration]) -> (usize, f64) {
    let first = times.iter().min().copied().unwrap_or_default();
    let last = times.iter().max().copied().unwrap_or_default();
    let mut seconds = vec![0; (last - first).as_secs() as usize + 1];
    times.iter().for_each(|time| seconds[(*time - first).as_secs() as usize] += 1);
    let peak = seconds.iter().max().copied().unwrap_or(0);
    (peak, times.len() as f64 / seconds.len() as f64)
}

fn simulate(providers: usize, listeners: u64, policy: &Policy) -> Record {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut record = Record::default();
    record.requests.resize(ROTATIONS + 2, Vec::new());
    record.notifications.resize(ROTATIONS + 2, Vec::new());
    let mut queue = BinaryHeap::new();
    let mut fleet: Vec<Member> = (0..providers)
        .map(|index| {
            queue.push(Reverse((START + Duration::from_secs_f64(rng.f64()), index)));
            Member { machine: Machine::new(policy.clone()), requests: 0, notifications: 0, flight: None }
        })
        .collect();
    while let Some(Reverse((time, index))) = queue.pop() {
        let now = Now { boot: time, monotonic: time, wall: time };
        let member = &mut fleet[index];
        let events = next_event(member, time, listeners);
        for event in events {
            step(member, now, event, &mut rng, &mut record, listeners);
        }
        let alarm = member.machine.alarm(now).filter(|_| member.requests <= ROTATIONS + 1);
        let next = member.flight.map(|(_, ends)| ends).into_iter().chain(alarm).min();
        queue.extend(next.map(|next| Reverse((next, index))));
    }
    record
}

fn next_event(member: &mut Member, time: Duration, listeners: u64) -> Vec<Input> {
    match member.flight {
        None if member.requests == 0 => {
            let wish = Wish {
                deadline: time + Duration::from_secs(30),
                during_outage: DuringOutage::Wait,
                hands_on: false,
            };
            let subscribed = (1..=listeners).map(Input::Subscribed);
            subscribed.chain([Input::Get(0, wish)]).collect()
        }
        Some((number, ends)) if ends <= time => {
            member.flight = None;
            vec![Input::Answered(number, grant(time))]
        }
        _ => vec![Input::Timer],
    }
}

fn step(
    member: &mut Member,
    now: Now,
    event: Input,
    rng: &mut fastrand::Rng,
    record: &mut Record,
    listeners: u64,
) {
    for action in member.machine.step(now, event, &mut || rng.f64()) {
        match action {
            Action::Fetch(number, _) => {
                record.requests[member.requests.min(ROTATIONS + 1)].push(now.boot);
                member.requests += 1;
                member.flight = Some((number, now.boot + LATENCY));
            }
            Action::Notify(id) => {
                let rotation = member.notifications / listeners as usize;
                record.notifications[rotation.min(ROTATIONS + 1)].push(now.boot);
                member.notifications += 1;
                drop(member.machine.tell(now, id));
                member
                    .machine
                    .step(now, Input::Returned { listener: id, panicked: false }, &mut || rng.f64());
            }
            _ => {}
        }
    }
}

fn grant(now: Duration) -> Grant {
    Grant {
        secret: Zeroizing::new(now.as_nanos().to_string()),
        username: "oid".to_owned(),
        remaining: LIFETIME,
        lifetime: LIFETIME,
        is_life_stated: true,
        refresh_in: None,
        sent_at: now - LATENCY,
        not_before: Duration::ZERO,
        skew_ms: None,
        uti: None,
    }
}
