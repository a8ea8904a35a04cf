//! One history: a machine, a source, callers, listeners and clocks, from one seed.

use crate::connections::Client;
use crate::draws::Draws;
use crate::ledger::{LATENESS, Ledger, Listener};
use crate::promise::{Budget, Promise};
use crate::requests::Requests;
use crate::source::{Reply, Source};
use entrakey_core::ProviderEvent;
use entrakey_core::internals::{Action, Input, Machine, Now};
use std::collections::BTreeMap;
use std::time::Duration;

/// Nominal lives in seconds, from the shortest that tests use to the longest that Azure issues.
pub const LIFETIMES_S: [u64; 10] = [3, 5, 8, 30, 60, 600, 1200, 3600, 5400, 86_400];
/// How often each is drawn.
const WEIGHTS: [u32; 10] = [2, 1, 1, 1, 1, 1, 1, 4, 1, 4];
/// How long a history is, in lives of a token.
const LIVES: u32 = 60;
/// When every history begins, on the boot clock.
const START: Duration = Duration::from_secs(1_000_000);

/// What a history amounted to.
#[derive(Clone, Default)]
pub struct Sums {
    pub histories: u64,
    pub seconds: u64,
    pub steps: u64,
    pub requests: u64,
    pub tokens: u64,
    pub calls: u64,
    pub notifications: u64,
    pub forks: u64,
    pub draws: Draws,
}

impl Sums {
    pub fn add(&mut self, other: &Self) {
        self.histories += other.histories;
        self.seconds += other.seconds;
        self.steps += other.steps;
        self.requests += other.requests;
        self.tokens += other.tokens;
        self.calls += other.calls;
        self.notifications += other.notifications;
        self.forks += other.forks;
        self.draws.add(&other.draws);
    }
}

pub struct World {
    pub rng: fastrand::Rng,
    draws: fastrand::Rng,
    pub now: Now,
    end: Duration,
    pub lifetime: Duration,
    pub promise: Promise,
    pub machine: Machine,
    pub source: Source,
    pub replies: Vec<Reply>,
    pub listeners: BTreeMap<u64, Listener>,
    pub client: Option<Client>,
    pub ledger: Ledger,
    pub requests: Requests,
    pub budget: Budget,
    next_caller: Duration,
    next_incident: Duration,
    pub numbers: u64,
    pub sums: Sums,
    pub trace: bool,
    violation: Option<String>,
}

fn draw_lifetime(rng: &mut fastrand::Rng) -> Duration {
    let mut pick = rng.u32(..WEIGHTS.iter().sum::<u32>());
    let index = WEIGHTS.iter().position(|weight| {
        let hit = pick < *weight;
        pick = pick.wrapping_sub(*weight);
        hit
    });
    Duration::from_secs(LIFETIMES_S[index.unwrap_or(0)])
}

impl World {
    /// How long the history of this seed will be at least.
    pub fn length(seed: u64) -> Duration {
        draw_lifetime(&mut fastrand::Rng::with_seed(seed)) * LIVES
    }

    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let lifetime = draw_lifetime(&mut rng);
        let start = START + Duration::from_millis(rng.u64(..1000));
        let promise = Promise::draw(lifetime, &mut rng);
        let source = Source::new(lifetime, start, &mut rng);
        let wall = Self::draw_clock(start, &mut rng);
        let mut world = Self {
            draws: fastrand::Rng::with_seed(rng.u64(..)),
            rng,
            now: Now { boot: start, monotonic: start, wall },
            end: start + lifetime * LIVES,
            lifetime,
            machine: Machine::new(promise.0.clone()),
            requests: Requests::new(promise.clone()),
            budget: Budget::default(),
            promise,
            source,
            replies: Vec::new(),
            listeners: BTreeMap::new(),
            client: None,
            ledger: Ledger::default(),
            next_caller: start,
            next_incident: start,
            numbers: 0,
            sums: Sums { histories: 1, ..Sums::default() },
            trace: false,
            violation: None,
        };
        for _ in 0..world.rng.u32(..4) {
            world.subscribe();
        }
        world
    }

    /// This machine's clock is right, or off by as much as ten minutes.
    fn draw_clock(start: Duration, rng: &mut fastrand::Rng) -> Duration {
        let off = Duration::from_millis(rng.u64(..600_000));
        [start, start, start + off, start - off][rng.usize(..4)]
    }

    /// Lives through the history, to its close.
    ///
    /// # Errors
    /// What was violated first.
    pub fn run(&mut self) -> Result<(), String> {
        let start = self.now.boot;
        self.say(|world| format!("{} s tokens, {:?}", world.lifetime.as_secs(), world.promise.0));
        while self.now.boot < self.end && self.violation.is_none() {
            self.advance();
        }
        self.sums.seconds = (self.now.boot - start).as_secs();
        if self.violation.is_none() {
            self.close();
        }
        self.violation.take().map_or(Ok(()), Err)
    }

    /// To the next thing that happens.
    fn advance(&mut self) {
        let alarm = self.machine.alarm(self.now);
        let reply = self.replies.iter().map(|reply| reply.arrives).min();
        let returns =
            self.listeners.values().filter_map(|listener| listener.begins.or(listener.returns)).min();
        let renewal = self.client.as_ref().filter(|client| client.due).map(|_| self.now.boot);
        let fixed = [self.source.next_change(), self.next_caller, self.next_incident];
        let others = fixed.into_iter().chain(reply).chain(returns).chain(renewal).min().unwrap_or(self.end);
        match alarm {
            Some(alarm) if alarm <= others => {
                let late = LATENESS.mul_f64(self.rng.f64());
                self.pass_until(alarm + late);
                self.step(Input::Timer);
            }
            _ => {
                self.pass_until(others);
                self.happen();
            }
        }
        self.check_overdue();
    }

    fn pass_until(&mut self, moment: Duration) {
        let time = moment.saturating_sub(self.now.boot);
        self.now.boot += time;
        self.now.monotonic += time;
        self.now.wall += time;
    }

    fn happen(&mut self) {
        let now = self.now.boot;
        if self.source.next_change() <= now {
            self.change_mood();
        }
        if let Some(index) = self.replies.iter().position(|reply| reply.arrives <= now) {
            self.land(index);
        }
        let begins = self.listeners.iter().find(|(_, listener)| listener.begins.is_some_and(|at| at <= now));
        if let Some(id) = begins.map(|(id, _)| *id) {
            self.begin_call(id);
        }
        let back = self.listeners.iter().find(|(_, listener)| listener.returns.is_some_and(|at| at <= now));
        if let Some(id) = back.map(|(id, _)| *id) {
            self.come_back(id);
        }
        if self.client.as_ref().is_some_and(|client| client.due) {
            self.renew();
        }
        if self.next_caller <= now {
            self.next_caller = now + self.lifetime.mul_f64(0.3 * self.rng.f64() * self.rng.f64());
            self.call();
        }
        if self.next_incident <= now {
            self.next_incident = now + self.lifetime.mul_f64(2.0 * self.rng.f64());
            self.incident();
        }
    }

    fn change_mood(&mut self) {
        let (now, before) = (self.now.boot, self.source.mood);
        self.source.change_mood(now, &mut self.rng);
        if self.source.mood != before {
            let (_, at_once) = self.promise.allowance(&self.source, None);
            self.budget.refill(now, at_once);
        }
        self.say(|world| format!("the source is {:?}", world.source.mood));
    }

    /// Tells the machine, does what it wants, and judges both.
    pub fn step(&mut self, event: Input) {
        self.sums.steps += 1;
        self.forget_early();
        self.ledger.waited = !self.ledger.waiting.is_empty();
        let draws = &mut self.draws;
        let actions = self.machine.step(self.now, event, &mut || draws.f64());
        for action in actions {
            self.obey(action);
        }
        self.conclude();
        self.check_step();
    }

    /// What is known comes first in the list of actions, then what follows from it.
    fn obey(&mut self, action: Action) {
        match action {
            Action::Publish(token) => self.publish(&token),
            Action::Report(event) => {
                self.say(|_| format!("  {event}"));
                if let ProviderEvent::RefreshFailed { error, .. } = event {
                    self.failed(&error);
                }
            }
            Action::Fetch(number, timeout) => {
                self.conclude();
                self.fetch(number, timeout);
            }
            Action::Resolve(id, answer) => {
                self.conclude();
                self.resolve(id, answer);
            }
            Action::Notify(id) => self.notify(id),
        }
    }

    pub fn violate(&mut self, what: &str) {
        let lifetime = self.lifetime.as_secs();
        self.say(|world| format!("VIOLATION {what}\n{}", world.machine.status(world.now).to_json()));
        let text =
            format!("{what} ({lifetime} s tokens, source {:?}, at {:?})", self.source.mood, self.now.boot);
        self.violation.get_or_insert(text);
    }

    pub fn say(&self, what: impl Fn(&Self) -> String) {
        if self.trace {
            println!("{:>14.3}  {}", self.now.boot.as_secs_f64() - START.as_secs_f64(), what(self));
        }
    }

    /// The machine's own draws, for what is not a step.
    pub fn adopt(&mut self, token: std::sync::Arc<entrakey_core::Token>) {
        let draws = &mut self.draws;
        self.machine.adopt(token, self.now, &mut || draws.f64());
    }

    /// One event whose actions are for the caller to judge.
    pub fn raw_step(&mut self, event: Input) -> Vec<Action> {
        let draws = &mut self.draws;
        self.machine.step(self.now, event, &mut || draws.f64())
    }
}
