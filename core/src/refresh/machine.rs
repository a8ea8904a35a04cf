//! The refresh engine as a pure state machine: no clock, no thread, no I/O, no randomness of its own.
//!
//! Every method takes the time and says what to do; the driver in `provider` does it. What it must hold:
//! a valid token is kept whatever happens, at most one request is under way, the next attempt is always
//! planned.

use super::policy::{Life, Policy};
use crate::clock::Now;
use crate::error::{Error, ErrorKind};
use crate::token::{Parts, Token};
use crate::transport::Grant;
use std::sync::Arc;
use std::time::Duration;

/// How long a request may overrun its own time-out before it is given up for lost.
const FLIGHT_GRACE: Duration = Duration::from_secs(1);

/// What a caller of `get_token` wants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Until when it will wait, on the boot clock.
    pub(crate) deadline: Duration,
    /// False: whatever can be said at once, also if that is the last error.
    pub(crate) wait: bool,
}

/// What the machine answers a caller.
pub(crate) enum Reply {
    /// This token.
    Serve(Arc<Token>),
    /// This error: nothing better will come before the deadline.
    Fail(Error),
    /// Ask again when something has changed, or at this time on the boot clock.
    Wait(Duration),
}

/// What the driver has to do after a step.
#[derive(Default)]
pub(crate) struct Effects {
    /// Start a request with this number and time-out.
    pub(crate) fetch: Option<(u64, Duration)>,
    /// Let every reader see this token.
    pub(crate) publish: Option<Arc<Token>>,
    /// Tell listeners of the published token, each at its own moment inside this window from now.
    pub(crate) notify_within: Option<Duration>,
    /// Something changed that a waiting caller may be waiting for.
    pub(crate) wake: bool,
}

/// The token in hand, with the lengths that its times scale with.
struct Held {
    token: Arc<Token>,
    life: Life,
}

/// A request under way.
#[derive(Clone, Copy)]
struct Flight {
    number: u64,
    give_up_at: Duration,
}

/// All that one provider knows.
pub(crate) struct Machine {
    policy: Policy,
    held: Option<Held>,
    flight: Option<Flight>,
    flights: u64,
    version: u64,
    /// The next request that comes by itself, on the boot clock; none before the first call.
    next: Option<Duration>,
    /// Before this no request may start, whoever wants one. After a failure it is the same as `next`; after
    /// an answer it is much earlier, for a caller whose token a clock jump or a suspend has made useless.
    gate: Duration,
    failures: u32,
    fatals: u32,
    last_error: Option<Error>,
    /// Whether the next answer is the first of this provider's life in this process.
    first: bool,
    closed: bool,
}

impl Machine {
    pub(crate) fn new(policy: Policy) -> Self {
        Self {
            policy,
            held: None,
            flight: None,
            flights: 0,
            version: 0,
            next: None,
            gate: Duration::ZERO,
            failures: 0,
            fatals: 0,
            last_error: None,
            first: true,
            closed: false,
        }
    }

    /// A forked child's machine: the parent's token, nothing under way, and a refresh of its own drawn
    /// afresh from the life that is left, so that forked workers do not ask in step.
    pub(crate) fn adopt(&mut self, token: Arc<Token>, now: Now, random: f64) {
        let left = token.end().saturating_sub(now.boot);
        let life = Life { seen: left, nominal: token.lifetime() };
        self.version = token.version();
        self.next = Some(now.boot + self.policy.refresh_after(life, None, true, random));
        self.first = false;
        self.held = Some(Held { token, life });
    }

    /// Somebody wants a token.
    pub(crate) fn get(&mut self, now: Now, wish: Wish) -> (Reply, Effects) {
        let mut effects = Effects::default();
        if self.closed {
            return (Reply::Fail(closed()), effects);
        }
        if let Some(held) = &self.held
            && held.token.is_usable_at(now)
        {
            return (Reply::Serve(held.token.clone()), effects);
        }
        if self.flight.is_none() && now.boot >= self.gate {
            self.start(now, &mut effects);
        }
        (self.reply_without_usable(now, wish), effects)
    }

    fn reply_without_usable(&self, now: Now, wish: Wish) -> Reply {
        let valid = self.held.as_ref().filter(|held| held.token.is_valid(now));
        let next = self.flight.map_or(self.gate, |flight| flight.give_up_at);
        if let Some(held) = valid {
            // Little is left, but it is a valid token: wait for a better one at most half of that.
            let patience = now.boot + held.token.end().saturating_sub(now.boot) / 2;
            return match self.flight {
                Some(_) if wish.wait && patience > now.boot => Reply::Wait(patience.min(wish.deadline)),
                _ => Reply::Serve(held.token.clone()),
            };
        }
        let failed =
            self.last_error.as_ref().map(|error| error.clone().with_retry_in(next.saturating_sub(now.boot)));
        match failed {
            Some(error) if self.flight.is_none() && (!error.is_retriable() || next >= wish.deadline) => {
                Reply::Fail(error)
            }
            Some(error) if !wish.wait => Reply::Fail(error),
            _ if now.boot >= wish.deadline => Reply::Fail(self.timed_out()),
            _ => Reply::Wait(wish.deadline.min(next.max(now.boot))),
        }
    }

    /// The timer's moment has come, or a clock may have jumped.
    pub(crate) fn tick(&mut self, now: Now, random: f64) -> Effects {
        let mut effects = Effects::default();
        if self.closed {
            return effects;
        }
        if let Some(flight) = self.flight
            && now.boot >= flight.give_up_at
        {
            let lost = Error::new(ErrorKind::Timeout, "A token request was lost; it is tried again.");
            return self.failed(now, flight.number, lost, random);
        }
        if self.flight.is_none() && self.next.is_some_and(|next| now.boot >= next) {
            self.start(now, &mut effects);
        }
        effects
    }

    /// A request brought a token.
    pub(crate) fn answered(&mut self, now: Now, flight: u64, grant: Grant, random: f64) -> Effects {
        let mut effects = Effects { wake: true, ..Effects::default() };
        if !self.landed(flight) {
            return effects;
        }
        let end = grant.sent_at + grant.remaining;
        let left = end.saturating_sub(now.boot);
        if left.is_zero() {
            let error = Error::new(ErrorKind::BadResponse, "The token expired while it was on its way.");
            self.plan_retry(now, error, random);
            return effects;
        }
        self.failures = 0;
        self.fatals = 0;
        self.last_error = None;
        let same = self.held.as_ref().is_some_and(|held| held.token.secret() == grant.secret.as_str());
        let newer = self.held.as_ref().is_none_or(|held| end > held.token.end() || !held.token.is_valid(now));
        if same {
            self.seen_again(now, end, &mut effects);
        } else if newer {
            self.install(now, grant, end, random, &mut effects);
        } else {
            self.poll_again(now);
        }
        effects
    }

    /// A request failed.
    pub(crate) fn failed(&mut self, now: Now, flight: u64, error: Error, random: f64) -> Effects {
        if self.landed(flight) {
            self.plan_retry(now, error, random);
        }
        Effects { wake: true, ..Effects::default() }
    }

    /// No more requests, no more tokens.
    pub(crate) fn close(&mut self) -> Effects {
        self.closed = true;
        self.flight = None;
        self.next = None;
        self.held = None;
        Effects { wake: true, ..Effects::default() }
    }

    /// When `tick` is due, on the boot clock.
    pub(crate) fn alarm(&self) -> Option<Duration> {
        self.flight.map(|flight| flight.give_up_at).or(self.next)
    }

    /// The token in hand, whatever is left of it.
    pub(crate) fn newest(&self) -> Option<Arc<Token>> {
        self.held.as_ref().map(|held| held.token.clone())
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    fn life(&self, now: Now) -> Option<Life> {
        self.held.as_ref().filter(|held| held.token.is_valid(now)).map(|held| held.life)
    }

    fn start(&mut self, now: Now, effects: &mut Effects) {
        let timeout = self.policy.request_timeout(self.life(now));
        self.flights += 1;
        self.flight = Some(Flight { number: self.flights, give_up_at: now.boot + timeout + FLIGHT_GRACE });
        effects.fetch = Some((self.flights, timeout));
    }

    /// Whether this is the request under way; one that was given up for lost comes too late.
    fn landed(&mut self, number: u64) -> bool {
        let current = !self.closed && self.flight.is_some_and(|flight| flight.number == number);
        if current {
            self.flight = None;
        }
        current
    }

    fn plan_retry(&mut self, now: Now, error: Error, random: f64) {
        let life = self.life(now);
        let wait = if error.is_retriable() {
            self.failures = self.failures.saturating_add(1);
            let back_off = self.policy.back_off(self.failures, life, random);
            error.retry_after().map_or(back_off, |wish| self.policy.retry_after(wish, back_off))
        } else {
            self.fatals = self.fatals.saturating_add(1);
            self.policy.fatal_wait(self.fatals, life, random)
        };
        self.next = Some(now.boot + wait);
        self.gate = now.boot + wait;
        self.last_error = Some(error);
    }

    fn install(&mut self, now: Now, grant: Grant, end: Duration, random: f64, effects: &mut Effects) {
        let left = end.saturating_sub(now.boot);
        let life = Life { seen: left, nominal: grant.lifetime.max(left) };
        let refresh_in = self.policy.refresh_after(life, grant.refresh_in, self.first, random);
        let interval = self.policy.interval(life);
        let refresh_in = refresh_in.max(interval);
        let superseded = self.held.as_ref().map(|held| (held.token.end(), held.life));
        self.first = false;
        self.version += 1;
        self.next = Some(now.boot + refresh_in);
        self.gate = now.boot + interval;
        let parts = Parts {
            secret: grant.secret,
            username: grant.username,
            version: self.version,
            end,
            lifetime: life.nominal,
            min_validity: self.policy.min_validity(life),
            refresh_in,
        };
        let token = Arc::new(Token::new(parts, now));
        self.held = Some(Held { token: token.clone(), life });
        effects.publish = Some(token);
        // The first token is no news: nobody is authenticated with an older one.
        effects.notify_within = superseded.map(|(end, life)| self.policy.notify_window(end, life, now.boot));
    }

    /// The source repeated itself (IMDS caches): better evidence of the expiry, and nothing else.
    fn seen_again(&mut self, now: Now, end: Duration, effects: &mut Effects) {
        if let Some(held) = &mut self.held {
            let min_validity = self.policy.min_validity(held.life);
            held.token = Arc::new(held.token.seen_again(now, end, min_validity));
            effects.publish = Some(held.token.clone());
        }
        self.poll_again(now);
    }

    /// Nothing newer came: ask again, but ever less in a hurry the more validity is left.
    fn poll_again(&mut self, now: Now) {
        let Some(held) = &self.held else { return };
        let reserve = self.policy.margin(held.life) + self.policy.spread(held.life);
        let poll = held.token.end().saturating_sub(reserve).saturating_sub(now.boot) / 10;
        let interval = self.policy.interval(held.life);
        self.next = Some(now.boot + poll.max(interval));
        self.gate = now.boot + interval;
    }

    fn timed_out(&self) -> Error {
        let because = match &self.last_error {
            Some(error) => format!("The last attempt failed: {}", error.message()),
            None => "The token source has not answered yet.".to_owned(),
        };
        Error::new(ErrorKind::Timeout, format!("No token within the time allowed. {because}"))
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Closed, "The provider is closed. Create a new one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    /// A machine on a virtual clock, with the middle of every random range.
    struct Bench {
        machine: Machine,
        now: Now,
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    impl Bench {
        fn new() -> Self {
            let start = seconds(1_000_000);
            let now = Now { boot: start, monotonic: start, wall: start };
            Self { machine: Machine::new(Policy { refresh_jitter: 0.0, ..Policy::default() }), now }
        }

        fn pass(&mut self, time: Duration) {
            self.now.boot += time;
            self.now.monotonic += time;
            self.now.wall += time;
        }

        fn get(&mut self) -> (Reply, Option<u64>) {
            let wish = Wish { deadline: self.now.boot + seconds(30), wait: true };
            let (reply, effects) = self.machine.get(self.now, wish);
            (reply, effects.fetch.map(|(number, _)| number))
        }

        fn tick(&mut self) -> Option<u64> {
            self.machine.tick(self.now, 0.5).fetch.map(|(number, _)| number)
        }

        fn answer(&mut self, flight: u64, secret: &str, life: u64) -> Effects {
            let grant = Grant {
                secret: Zeroizing::new(secret.to_owned()),
                username: "oid".into(),
                remaining: seconds(life),
                lifetime: seconds(life),
                refresh_in: None,
                sent_at: self.now.boot,
            };
            self.machine.answered(self.now, flight, grant, 0.5)
        }

        fn fail(&mut self, flight: u64, kind: ErrorKind) {
            self.machine.failed(self.now, flight, Error::new(kind, "because"), 0.5);
        }

        /// Until the next request, which must come by itself.
        fn advance_to_request(&mut self) -> (Duration, u64) {
            let wait = self.machine.alarm().expect("nothing is planned").saturating_sub(self.now.boot);
            self.pass(wait);
            (wait, self.tick().expect("the alarm rang and nothing was asked"))
        }

        fn served(&mut self) -> Option<String> {
            match self.get().0 {
                Reply::Serve(token) => Some(token.secret().to_owned()),
                _ => None,
            }
        }

        fn refused(&mut self) -> Option<Error> {
            match self.get().0 {
                Reply::Fail(error) => Some(error),
                _ => None,
            }
        }

        fn with_token(life: u64) -> Self {
            let mut bench = Self::new();
            let flight = bench.get().1.unwrap();
            bench.answer(flight, "one", life);
            bench
        }
    }

    #[test]
    fn many_callers_on_an_empty_cache_cause_one_request() {
        let mut bench = Bench::new();
        let requests = (0..100).filter(|_| bench.get().1.is_some()).count();
        assert_eq!(requests, 1);
    }

    #[test]
    fn a_fatal_answer_is_shared_at_once_and_asked_again_only_later() {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        bench.fail(flight, ErrorKind::AuthRejected);
        let (reply, asked) = bench.get();
        assert!(asked.is_none());
        let Reply::Fail(error) = reply else { panic!("waits") };
        assert_eq!((error.kind(), error.retry_in()), (ErrorKind::AuthRejected, Some(seconds(5))));
        let (wait, flight) = bench.advance_to_request();
        assert_eq!(wait, seconds(5));
        bench.fail(flight, ErrorKind::AuthRejected);
        assert_eq!(bench.advance_to_request().0, seconds(10));
    }

    #[test]
    fn callers_wait_through_failures_that_pass() {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        bench.fail(flight, ErrorKind::Network);
        assert!(matches!(bench.get().0, Reply::Wait(_)));
        let (wait, flight) = bench.advance_to_request();
        assert_eq!(wait, Duration::from_millis(750));
        bench.answer(flight, "one", 3600);
        assert_eq!(bench.served().unwrap(), "one");
    }

    #[test]
    fn a_caller_that_does_not_wait_gets_the_known_error() {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        bench.fail(flight, ErrorKind::Network);
        let wish = Wish { deadline: bench.now.boot + seconds(30), wait: false };
        assert!(
            matches!(bench.machine.get(bench.now, wish).0, Reply::Fail(error) if error.kind() == ErrorKind::Network)
        );
    }

    #[test]
    fn failures_never_take_a_valid_token_away_and_never_end_the_refreshing() {
        let mut bench = Bench::with_token(3600);
        let mut requests = 0;
        while bench.now.boot < seconds(1_000_000 + 3600 - 100) {
            let (_, flight) = bench.advance_to_request();
            assert_eq!(bench.served().as_deref(), Some("one"), "after {requests} failures");
            bench.fail(flight, ErrorKind::Network);
            requests += 1;
        }
        assert!((30..300).contains(&requests), "{requests} requests in the last 18 minutes");
        bench.pass(seconds(7200));
        let flight = bench.tick().unwrap();
        bench.answer(flight, "two", 3600);
        assert_eq!(bench.served().as_deref(), Some("two"), "recovers long after expiry");
    }

    #[test]
    fn an_expired_token_is_not_handed_out_whichever_clock_says_so() {
        let mut bench = Bench::with_token(3600);
        bench.now.wall += seconds(3601); // the clock was set, right after an answer
        let (reply, asked) = bench.get();
        assert!(matches!(reply, Reply::Wait(_)) && asked.is_none(), "spaced after the answer");
        bench.pass(seconds(30));
        let flight = bench.get().1.expect("asks again long before its scheduled refresh");
        bench.answer(flight, "two", 3600);
        assert_eq!(bench.served().as_deref(), Some("two"));
        let mut bench = Bench::with_token(3600);
        bench.now.boot += seconds(3601);
        bench.now.wall += seconds(3601);
        assert!(bench.get().1.is_some(), "fetches at once after suspend");
        assert_eq!(bench.served(), None);
    }

    #[test]
    fn with_little_left_a_better_token_is_waited_for_and_the_old_one_served_if_none_comes() {
        let mut bench = Bench::with_token(3600);
        bench.pass(seconds(3550));
        let (reply, asked) = bench.get();
        assert!(asked.is_some() && matches!(reply, Reply::Wait(_)));
        bench.fail(asked.unwrap(), ErrorKind::Network);
        assert_eq!(bench.served().as_deref(), Some("one"));
    }

    #[test]
    fn the_same_token_again_is_no_news() {
        let mut bench = Bench::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        let effects = bench.answer(flight, "one", 1080);
        assert!(effects.notify_within.is_none());
        assert_eq!(effects.publish.unwrap().version(), 1);
        assert!(bench.advance_to_request().0 >= seconds(30), "and is not asked for in a loop");
    }

    #[test]
    fn a_token_that_expires_sooner_does_not_replace_a_better_one() {
        let mut bench = Bench::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        let effects = bench.answer(flight, "worse", 100);
        assert!(effects.publish.is_none());
        assert_eq!(bench.served().as_deref(), Some("one"));
    }

    #[test]
    fn retry_after_is_waited_for() {
        let mut bench = Bench::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        let error = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
        bench.machine.failed(bench.now, flight, error, 0.5);
        assert!(bench.advance_to_request().0 >= seconds(60));
    }

    #[test]
    fn a_lost_request_is_given_up_and_its_late_answer_ignored() {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        bench.pass(seconds(12));
        assert!(bench.tick().is_none());
        assert_eq!(bench.machine.last_error.as_ref().unwrap().kind(), ErrorKind::Timeout);
        assert!(bench.answer(flight, "late", 3600).publish.is_none());
        let (_, flight) = bench.advance_to_request();
        assert!(bench.answer(flight, "one", 3600).publish.is_some());
    }

    #[test]
    fn short_and_expired_tokens_do_not_cause_a_storm() {
        let mut bench = Bench::with_token(3);
        let (mut requests, start) = (0, bench.now.boot);
        while bench.now.boot < start + seconds(60) {
            let (_, flight) = bench.advance_to_request();
            bench.answer(flight, &format!("token {requests}"), 3);
            requests += 1;
        }
        assert!(requests <= 60 * 4, "{requests} requests in a minute");
        let mut bench = Bench::new();
        let (mut requests, start) = (0, bench.now.boot);
        let mut flight = bench.get().1.unwrap();
        while bench.now.boot < start + seconds(60) {
            bench.answer(flight, "expired", 0);
            (_, flight) = bench.advance_to_request();
            requests += 1;
        }
        assert!(requests <= 60, "{requests} requests in a minute");
    }

    #[test]
    fn a_closed_machine_answers_closed_and_plans_nothing() {
        let mut bench = Bench::with_token(3600);
        bench.machine.close();
        assert_eq!(bench.refused().unwrap().kind(), ErrorKind::Closed);
        assert!(bench.machine.alarm().is_none());
    }

    #[test]
    fn a_forked_child_starts_with_its_parents_token_and_a_refresh_of_its_own() {
        let parent = Bench::with_token(3600);
        let token = parent.machine.newest().unwrap();
        let mut alarms = Vec::new();
        for random in [0.1, 0.9] {
            let mut child = Bench::new();
            child.machine.policy.refresh_jitter = 0.05;
            child.pass(seconds(600));
            child.machine.adopt(token.clone(), child.now, random);
            let (reply, asked) = child.get();
            assert!(matches!(reply, Reply::Serve(_)) && asked.is_none());
            alarms.push(child.machine.alarm().unwrap());
        }
        assert_ne!(alarms[0], alarms[1]);
    }

    #[test]
    fn listeners_are_told_inside_the_window_before_the_margin() {
        let mut bench = Bench::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        let window = bench.answer(flight, "two", 3600).notify_within.unwrap();
        assert!(window > Duration::ZERO);
        assert!(bench.now.boot + window <= seconds(1_000_000 + 3600 - 180));
    }
}
