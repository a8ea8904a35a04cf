//! One history: a machine, a source, callers, listeners and clocks, from one seed.

use crate::oracle::{self, Caller, Ended, Flight, LATENESS, Ledger, Owed, Serving};
use crate::source::{Mood, Reply, Source};
use entrakey_core::internals::{Action, Event, Machine, Now, Policy, Wish};
use entrakey_core::{Error, ErrorKind, ProviderEvent, Token};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Nominal lives in seconds, from the shortest that tests use to the longest that Azure issues.
pub const LIFETIMES_S: [u64; 10] = [3, 5, 8, 30, 60, 600, 1200, 3600, 5400, 86_400];
/// How often each is drawn.
const WEIGHTS: [u32; 10] = [2, 1, 1, 1, 1, 1, 1, 4, 1, 4];
/// How long a history is, in lives of a token.
const LIVES: u32 = 60;

/// What a history amounted to.
#[derive(Clone, Copy, Default)]
pub struct Sums {
    pub histories: u64,
    pub seconds: f64,
    pub steps: u64,
    pub requests: u64,
    pub tokens: u64,
    pub calls: u64,
    pub notifications: u64,
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
    }
}

struct Listener {
    /// When the call that was asked for begins: a dispatcher thread may be busy.
    begins: Option<Duration>,
    /// When its callback will return; none if it is not being called.
    returns: Option<Duration>,
    stalls: bool,
    panics: bool,
    acknowledges: bool,
    /// The version that its connections are on, with the time by which they must hear of a newer one.
    told: u64,
    deadline: Duration,
}

pub struct World {
    rng: fastrand::Rng,
    draws: fastrand::Rng,
    now: Now,
    end: Duration,
    lifetime: Duration,
    machine: Machine,
    source: Source,
    replies: Vec<Reply>,
    listeners: BTreeMap<u64, Listener>,
    ledger: Ledger,
    next_caller: Duration,
    next_incident: Duration,
    numbers: u64,
    pub sums: Sums,
    pub trace: bool,
    violation: Option<String>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut pick = rng.u32(..WEIGHTS.iter().sum::<u32>());
        let index = WEIGHTS.iter().position(|weight| {
            let hit = pick < *weight;
            pick = pick.wrapping_sub(*weight);
            hit
        });
        let lifetime = Duration::from_secs(LIFETIMES_S[index.unwrap_or(0)]);
        let start = Duration::from_secs(1_000_000) + Duration::from_millis(rng.u64(..1000));
        let now = Now { boot: start, monotonic: start, wall: start };
        let refresh_ratio = [0.7, 0.7, 0.7, 0.3, 0.9, 1.0][rng.usize(..6)];
        let source = Source::new(lifetime, start, &mut rng);
        let mut world = Self {
            draws: fastrand::Rng::with_seed(rng.u64(..)),
            rng,
            now,
            end: start + lifetime * LIVES,
            lifetime,
            machine: Machine::new(Policy { refresh_ratio, ..Policy::default() }),
            source,
            replies: Vec::new(),
            listeners: BTreeMap::new(),
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

    /// Lives through the history.
    ///
    /// # Errors
    /// What was violated first.
    pub fn run(&mut self) -> Result<(), String> {
        let start = self.now.boot;
        while self.now.boot < self.end {
            self.advance();
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.sums.seconds = (self.now.boot - start).as_secs_f64();
        Ok(())
    }

    /// To the next thing that happens.
    fn advance(&mut self) {
        let alarm = self.machine.alarm(self.now);
        let reply = self.replies.iter().map(|reply| reply.arrives).min();
        let returns =
            self.listeners.values().filter_map(|listener| listener.begins.or(listener.returns)).min();
        let fixed = [self.source.next_change(), self.next_caller, self.next_incident];
        let others = fixed.into_iter().chain(reply).chain(returns).min().unwrap_or(self.end);
        match alarm {
            Some(alarm) if alarm <= others => {
                let late = LATENESS.mul_f64(self.rng.f64());
                self.pass_until(alarm + late);
                self.step(Event::Timer);
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
            self.source.change_mood(now, &mut self.rng);
            self.say(|world| format!("the source is {:?}", world.source.mood));
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
        if self.next_caller <= now {
            self.next_caller = now + self.lifetime.mul_f64(0.3 * self.rng.f64() * self.rng.f64());
            self.call();
        }
        if self.next_incident <= now {
            self.next_incident = now + self.lifetime.mul_f64(2.0 * self.rng.f64());
            self.incident();
        }
    }

    fn call(&mut self) {
        self.numbers += 1;
        let id = self.numbers;
        let patience = [5, 30, 30, 31, 60][self.rng.usize(..5)];
        let patience = Duration::from_secs(patience).mul_f64(0.1 + 0.9 * self.rng.f64());
        let wish = Wish { deadline: self.now.boot + patience, wait: self.rng.u8(..4) > 0 };
        self.sums.calls += 1;
        self.say(|world| {
            let left = world.ledger.serving.as_ref().map(|serving| world.left(serving));
            format!("call {id}: {patience:?}, {left:?} left")
        });
        let left = self.ledger.serving.as_ref().map_or(Duration::ZERO, |serving| self.left(serving));
        // A token may end before a timer that is late rings.
        let hopes = left > LATENESS * 4;
        let by = if hopes { wish.deadline.min(self.now.boot + left / 2) } else { wish.deadline };
        let usable = self
            .ledger
            .serving
            .as_ref()
            .is_some_and(|serving| self.left(serving) > oracle::min_validity(serving.nominal));
        self.ledger.waiting.insert(id, Caller { came: self.now.boot, deadline: wish.deadline, by });
        self.step(Event::Get(id, wish));
        if usable && self.ledger.waiting.contains_key(&id) {
            self.violate("O1: a usable token was there, and the call waits");
        }
    }

    fn incident(&mut self) {
        let incident = self.rng.u8(..12);
        if let Some(serving) = self.ledger.serving.as_mut().filter(|_| incident < 3) {
            serving.disturbed = true;
        }
        if incident < 3 {
            self.say(|_| "a clock jumps".to_owned());
            self.ledger.waiting.values_mut().for_each(|caller| caller.by = caller.deadline); // nothing to hope for
        }
        match incident {
            0 => self.now.wall += self.lifetime.mul_f64(2.0 * self.rng.f64()),
            1 => {
                let back = self.lifetime.mul_f64(self.rng.f64());
                self.now.wall = self.now.wall.saturating_sub(back);
            }
            2 => {
                let asleep = self.lifetime.mul_f64(3.0 * self.rng.f64());
                self.now.boot += asleep; // the monotonic clock stands still
                self.now.wall += asleep;
                self.wake_up();
                return;
            }
            3 | 4 => {
                self.ledger.forced = true;
                self.step(Event::Refresh);
            }
            5 | 6 => {
                self.ledger.forced = true;
                let version = self.ledger.serving.as_ref().map_or(0, |serving| serving.version);
                self.step(Event::Rejected(version));
            }
            7 => self.step(Event::Rejected(
                self.ledger.serving.as_ref().map_or(0, |serving| serving.version.saturating_sub(1)),
            )),
            8 if self.listeners.len() < 8 => self.subscribe(),
            9 => {
                if let Some(id) = self.listeners.keys().min().copied() {
                    self.listeners.remove(&id);
                    self.ledger.owed.remove(&id);
                    self.step(Event::Unsubscribed(id));
                }
            }
            _ => {}
        }
        self.step(Event::Timer);
    }

    /// After a suspend everything that fell due meanwhile is late, and nobody's fault.
    fn wake_up(&mut self) {
        let now = self.now.boot;
        self.ledger.waiting.values_mut().for_each(|caller| caller.by = caller.by.max(now));
        self.ledger.owed.values_mut().for_each(|owed| owed.by = owed.by.max(now));
        self.source.mood_since = self.source.mood_since.max(now); // no proof of a healthy stretch
        self.step(Event::Timer);
    }

    fn subscribe(&mut self) {
        self.numbers += 1;
        let id = self.numbers;
        let valid = self.ledger.serving.as_ref().filter(|serving| !self.left(serving).is_zero());
        let listener = Listener {
            begins: None,
            returns: None,
            stalls: self.rng.u8(..4) == 0,
            panics: self.rng.u8(..4) == 0,
            acknowledges: self.rng.bool(),
            told: valid.map_or(0, |serving| serving.version),
            deadline: valid.map_or(Duration::ZERO, |serving| {
                serving.end.saturating_sub(oracle::margin(serving.nominal))
            }),
        };
        self.listeners.insert(id, listener);
        self.step(Event::Subscribed(id));
    }

    fn come_back(&mut self, id: u64) {
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        listener.returns = None;
        self.say(|_| format!("listener {id} returns"));
        let Some(listener) = self.listeners.get(&id) else { return };
        let (panicked, acknowledges, version) = (listener.panics, listener.acknowledges, listener.told);
        if acknowledges {
            let accepted = self.rng.u8(..8) > 0;
            self.ledger.forced |= !accepted;
            self.step(Event::Acknowledged { listener: id, version, accepted });
        }
        self.step(Event::Returned { listener: id, panicked });
    }

    fn land(&mut self, index: usize) {
        let Reply { number, outcome, .. } = self.replies.swap_remove(index);
        match outcome {
            Ok(grant) => {
                let left = (grant.sent_at + grant.remaining).saturating_sub(self.now.boot);
                self.say(|_| format!("answer {number}: token {}, {left:?} left", grant.secret.as_str()));
                if !grant.not_before.is_zero()
                    && self.ledger.flight.as_ref().is_some_and(|f| f.number == number)
                {
                    let (from, end) = (self.now.boot + grant.not_before, self.now.boot + left);
                    let first = self.ledger.early.filter(|(known, _)| *known < from);
                    self.ledger.early = first.or(Some((from, end)));
                }
                self.step(Event::Answered(number, grant));
            }
            Err(error) => {
                self.say(|_| format!("answer {number}: {}", error.kind().name()));
                self.step(Event::Failed(number, error));
            }
        }
        // A failure has been reported, and with it the request is over. Else this was an answer.
        if self.ledger.flight.take_if(|flight| flight.number == number).is_some() {
            self.ledger.last_end = Some((self.now.boot, Ended::Answer, oracle::interval(self.valid_seen())));
        }
    }

    fn failed(&mut self, error: &Error) {
        let now = self.now.boot;
        let flight = self.ledger.flight.take();
        let seen = self.valid_seen();
        self.ledger.last_end = Some((now, Ended::Failure, oracle::first_back_off(seen)));
        let next = self.machine.next_request().unwrap_or(now);
        let throttled = error.kind() == ErrorKind::Throttled;
        let longest = match error.is_retriable() {
            _ if throttled => Duration::from_secs(300) + oracle::longest_retry_wait(seen),
            true => oracle::longest_retry_wait(seen),
            false => oracle::longest_fatal_wait(seen),
        };
        self.ledger.held_off_until = if throttled || !error.is_retriable() { next } else { Duration::ZERO };
        // A forced request leaves the scheduled one where it is, as long as there is a valid token.
        let planned = flight.filter(|_| seen.is_some()).map_or(now, |flight| flight.planned);
        if next > planned.max(now + longest) + LATENESS {
            self.violate(&format!("O4: the next attempt after a failure is {:?} away", next - now));
        }
    }

    fn step(&mut self, event: Event) {
        self.sums.steps += 1;
        let draws = &mut self.draws;
        let actions = self.machine.step(self.now, event, &mut || draws.f64());
        for action in actions {
            self.obey(action);
        }
        let started = self.ledger.serving.is_some() || self.ledger.flight.is_some();
        match self.machine.alarm(self.now) {
            None if started => self.violate("O4: nothing is planned"),
            Some(alarm) if alarm <= self.now.boot => self.violate("the alarm would ring for ever"),
            _ => {}
        }
    }

    fn obey(&mut self, action: Action) {
        match action {
            Action::Fetch(number, timeout) => self.fetch(number, timeout),
            Action::Publish(token) => self.publish(&token),
            Action::Resolve(id, answer) => self.resolve(id, answer),
            Action::Notify(id) => self.notify(id),
            Action::Report(event) => {
                self.say(|_| format!("  {event}"));
                if let ProviderEvent::RefreshFailed { error, .. } = event {
                    self.failed(&error);
                }
            }
        }
    }

    fn fetch(&mut self, number: u64, timeout: Duration) {
        let now = self.now.boot;
        self.sums.requests += 1;
        self.say(|_| format!("request {number}"));
        if self.ledger.flight.is_some() {
            return self.violate("O2: two requests are under way");
        }
        if let Some((end, how, pause)) = self.ledger.last_end
            && now + Duration::from_micros(1) < end + pause
        {
            let kind = if how == Ended::Answer { "an answer" } else { "a failure" };
            self.violate(&format!("O6: a request {:?} after {kind}, not {pause:?}", now - end));
        }
        let planned = self.machine.next_request().unwrap_or(now);
        self.ledger.flight = Some(Flight { number, planned });
        self.replies.extend(self.source.ask(number, now, timeout, &mut self.rng));
    }

    fn publish(&mut self, token: &Arc<Token>) {
        let now = self.now.boot;
        let id: u64 = token.secret().parse().unwrap_or(0);
        let index = usize::try_from(id).unwrap_or(0).wrapping_sub(1);
        let Some(issued) = self.source.issued.get(index).copied() else {
            return self.violate("O5: a token that was never issued is published");
        };
        let end = now + token.left(self.now);
        let nominal = token.lifetime();
        let before = self.ledger.serving.clone();
        if let Some(serving) =
            self.ledger.serving.as_mut().filter(|serving| serving.version == token.version())
        {
            serving.end = end;
            serving.published = token.clone();
            return;
        }
        self.sums.tokens += 1;
        let valid_before = before.filter(|serving| !self.left(serving).is_zero());
        if let Some(serving) = valid_before
            && end <= serving.end
            && !self.ledger.forced
        {
            self.violate("O3: a token is replaced by one that expires no later");
        }
        let refresh_on = self.machine.next_request().unwrap_or(now);
        let seen = end.saturating_sub(now);
        self.ledger.serving = Some(Serving {
            version: token.version(),
            token: issued,
            published: token.clone(),
            end,
            nominal,
            seen,
            refresh_on,
            disturbed: false,
        });
        self.ledger.forced = false;
        self.ledger.early = None;
        let latest = end.saturating_sub(oracle::lower_bound(nominal)).max(now + oracle::interval(Some(seen)));
        if refresh_on > latest + LATENESS {
            self.violate("O4: the next refresh is planned too late");
        }
        self.ledger.last_end = Some((now, Ended::Answer, oracle::interval(Some(seen))));
        self.owe(token.version(), now, end.saturating_sub(oracle::margin(nominal)));
    }

    /// Every listener that is on an older token has to hear of this one: by the older one's deadline, or at
    /// once after that.
    fn owe(&mut self, version: u64, now: Duration, deadline: Duration) {
        for (id, listener) in &mut self.listeners {
            if listener.told == 0 {
                (listener.told, listener.deadline) = (version, deadline); // nobody was authenticated
                continue;
            }
            let busy = listener.returns.max(listener.begins).unwrap_or(Duration::ZERO);
            let by = listener.deadline.max(now).max(busy);
            self.ledger
                .owed
                .entry(*id)
                .and_modify(|owed| owed.version = version)
                .or_insert(Owed { version, by });
        }
    }

    fn notify(&mut self, id: u64) {
        let now = self.now.boot;
        let delay =
            if self.rng.u8(..8) == 0 { self.lifetime.mul_f64(self.rng.f64()) } else { Duration::ZERO };
        let Some(listener) = self.listeners.get_mut(&id) else {
            return self.violate("O8: a listener that is gone is called");
        };
        if listener.returns.is_some() || listener.begins.is_some() {
            return self.violate("O8: a listener is called twice at a time");
        }
        listener.begins = Some(now + delay);
        self.say(|_| format!("listener {id} is to be called in {delay:?}"));
        if let Some(owed) = self.ledger.owed.get_mut(&id) {
            owed.by = owed.by.max(now + delay);
        }
    }

    /// A dispatcher thread gets round to a listener.
    fn begin_call(&mut self, id: u64) {
        let news = self.machine.take_news(self.now, id);
        let stalled =
            if self.rng.u8(..3) == 0 { self.lifetime.mul_f64(self.rng.f64()) } else { Duration::ZERO };
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        listener.begins = None;
        let time = if listener.stalls { stalled } else { Duration::from_millis(1) };
        listener.returns = Some(self.now.boot + time);
        self.say(|_| format!("listener {id} is called for {time:?}"));
        let Some((token, _)) = news else { return };
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        if token.version() <= listener.told {
            return self.violate("O8: a listener is told of a token that it knows");
        }
        listener.told = token.version();
        listener.deadline =
            self.ledger.serving.as_ref().map_or(Duration::ZERO, |serving| {
                serving.end.saturating_sub(oracle::margin(serving.nominal))
            });
        self.sums.notifications += 1;
        self.ledger.owed.remove(&id);
    }

    fn resolve(&mut self, id: u64, answer: Result<Arc<Token>, Error>) {
        let Some(caller) = self.ledger.waiting.remove(&id) else {
            return self.violate("O7: a caller is answered twice");
        };
        match answer {
            Ok(token) => self.check_served(&token),
            Err(error) => self.check_refused(&error, caller),
        }
    }

    fn check_served(&mut self, token: &Arc<Token>) {
        if let Some(wrong) = self.served_wrongly(token) {
            self.violate(&wrong);
        }
    }

    fn served_wrongly(&self, token: &Arc<Token>) -> Option<String> {
        let now = self.now.boot;
        let Some(serving) = &self.ledger.serving else { return Some("O5: a token from nowhere".to_owned()) };
        if token.secret() != serving.token.id.to_string() {
            return Some("O5: another token than the newest is handed out".to_owned());
        }
        if now < serving.token.valid_from || now >= serving.token.expires {
            return Some(format!("O5: {:?} is handed out outside its validity", serving.token));
        }
        let excused = |(end, how, pause): (Duration, Ended, Duration)| {
            how == Ended::Failure || now < end + pause + LATENESS
        };
        let excused = self.ledger.flight.is_some() || self.ledger.last_end.is_some_and(excused);
        let little = self.left(serving) < oracle::min_validity(serving.nominal);
        (little && !excused).then(|| "O5: a token with little left is handed out without need".to_owned())
    }

    fn check_refused(&mut self, error: &Error, caller: Caller) {
        let Caller { came, deadline, .. } = caller;
        if self.ledger.serving.as_ref().is_some_and(|serving| !self.left(serving).is_zero()) {
            return self.violate(&format!("O4: {error} while a valid token is held"));
        }
        let healthy =
            self.source.mood == Mood::Healthy && self.source.mood_since + Duration::from_secs(400) < came;
        if error.kind() == ErrorKind::Timeout && healthy && deadline - came >= Duration::from_secs(31) {
            self.violate("O7: a time-out although the source was healthy throughout");
        }
    }

    fn check_overdue(&mut self) {
        if let Some(overdue) = self.overdue() {
            self.violate(overdue);
        }
    }

    /// What should have happened by now.
    fn overdue(&self) -> Option<&'static str> {
        let (now, slack) = (self.now.boot, LATENESS * 2);
        if self.ledger.waiting.values().any(|caller| now > caller.by + slack) {
            return Some("O7: a call outlasts its deadline, or half of what the token had left");
        }
        if self.ledger.owed.values().any(|owed| now > owed.by + slack) {
            return Some("O8: a listener was not told in time");
        }
        let serving = self.ledger.serving.as_ref()?;
        let nothing = self.left(serving).is_zero();
        let ripe = self.ledger.early.is_some_and(|(from, end)| now > from + slack && now < end);
        if nothing && ripe && !serving.disturbed {
            return Some("O4: a token that has become valid is not used");
        }
        (self.source.mood == Mood::Healthy).then(|| self.overdue_of_a_healthy_source(serving, slack))?
    }

    fn overdue_of_a_healthy_source(&self, serving: &Serving, slack: Duration) -> Option<&'static str> {
        let now = self.now.boot;
        let healthy_since = self.source.mood_since.max(self.ledger.held_off_until);
        let needed = oracle::request_end(serving.seen)
            + oracle::longest_back_off(serving.seen)
            + oracle::interval(Some(serving.seen))
            + slack;
        let window_end = serving.end.saturating_sub(oracle::min_validity(serving.nominal));
        let window_start = healthy_since.max(serving.refresh_on);
        if !serving.disturbed && now > window_end && window_end > window_start + needed {
            return Some("O4: a gap in service although the source was healthy long enough before");
        }
        let patience = Duration::from_secs(11 + 10) + slack; // a request that is lost, and the longest pause
        let paused = self.ledger.last_end.filter(|(_, how, _)| *how == Ended::Answer);
        let paused = paused.map_or(Duration::ZERO, |(end, _, pause)| end + pause);
        let waiting_since = self.ledger.waiting.values().map(|caller| caller.came).min()?;
        let late = now > healthy_since.max(waiting_since).max(paused) + patience;
        let nothing = self.left(serving).is_zero();
        (nothing && late).then_some("O4: the source is healthy, callers wait, and there is no token")
    }

    /// What is left of a token by the clock that says the least.
    fn left(&self, serving: &Serving) -> Duration {
        serving.published.left(self.now)
    }

    fn valid_seen(&self) -> Option<Duration> {
        self.ledger
            .serving
            .as_ref()
            .filter(|serving| !self.left(serving).is_zero())
            .map(|serving| serving.seen)
    }

    fn violate(&mut self, what: &str) {
        let lifetime = self.lifetime.as_secs();
        self.say(|world| format!("VIOLATION {what}\n{}", world.machine.status(world.now).to_json()));
        let text =
            format!("{what} ({lifetime} s tokens, source {:?}, at {:?})", self.source.mood, self.now.boot);
        self.violation.get_or_insert(text);
    }

    fn say(&self, what: impl Fn(&Self) -> String) {
        if self.trace {
            println!("{:>14.3}  {}", self.now.boot.as_secs_f64() - 1_000_000.0, what(self));
        }
    }
}
