//! The machine on a virtual clock: one test for each rule that callers rely on.

use super::listener::Delivery;
use super::machine::Machine;
use super::policy::Policy;
use super::step::{Action, DuringOutage, Input, Wish};
use crate::clock::Now;
use crate::error::{Error, ErrorKind};
use crate::event::ProviderEvent;
use crate::grant::Grant;
use crate::status::ProviderState;
use std::time::Duration;
use zeroize::Zeroizing;

mod feedback;
mod handing_on;
mod pacing;

const START: Duration = Duration::from_secs(1_000_000);

/// A machine on a virtual clock, with the middle of every random range.
struct Bench {
    machine: Machine,
    now: Now,
    random: f64,
    callers: u64,
}

/// What a caller was told at once.
#[derive(Debug, PartialEq)]
enum Told {
    Token(String),
    Error(ErrorKind),
    Nothing,
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn token(secret: &str) -> Told {
    Told::Token(secret.to_owned())
}

fn fetch(actions: &[Action]) -> Option<u64> {
    actions.iter().find_map(|action| match action {
        Action::Fetch(number, _) => Some(*number),
        _ => None,
    })
}

fn told(actions: &[Action], caller: u64) -> Told {
    let answer = actions.iter().find_map(|action| match action {
        Action::Resolve(id, answer) if *id == caller => Some(answer),
        _ => None,
    });
    match answer {
        Some(Ok(token)) => Told::Token(token.secret().to_owned()),
        Some(Err(error)) => Told::Error(error.kind()),
        None => Told::Nothing,
    }
}

fn notified(actions: &[Action]) -> usize {
    actions.iter().filter(|action| matches!(action, Action::Notify(_))).count()
}

fn published(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Publish(_)))
}

impl Bench {
    fn new() -> Self {
        let now = Now { boot: START, monotonic: START, wall: START };
        let machine = Machine::new(Policy { refresh_jitter: 0.0, ..Policy::default() });
        Self { machine, now, random: 0.5, callers: 0 }
    }

    fn with_token(life: u64) -> Self {
        let mut bench = Self::new();
        let flight = bench.get().1.unwrap();
        bench.answer(flight, "one", life);
        bench
    }

    fn pass(&mut self, time: Duration) {
        self.now.boot += time;
        self.now.monotonic += time;
        self.now.wall += time;
    }

    fn step(&mut self, input: Input) -> Vec<Action> {
        let random = self.random;
        self.machine.step(self.now, input, &mut || random)
    }

    /// A caller with 30 s: what it is told at once, and the request that it causes.
    fn get(&mut self) -> (Told, Option<u64>) {
        self.get_with(seconds(30), DuringOutage::Wait)
    }

    fn get_with(&mut self, patience: Duration, during_outage: DuringOutage) -> (Told, Option<u64>) {
        self.callers += 1;
        let wish = Wish { deadline: self.now.boot + patience, during_outage, hands_on: false };
        let actions = self.step(Input::Get(self.callers, wish));
        (told(&actions, self.callers), fetch(&actions))
    }

    fn grant(&self, secret: &str, life: u64) -> Grant {
        Grant {
            secret: Zeroizing::new(secret.to_owned()),
            username: "oid".into(),
            remaining: seconds(life),
            lifetime: seconds(life),
            is_life_stated: true,
            refresh_in: None,
            sent_at: self.now.boot,
            not_before: Duration::ZERO,
            skew_ms: None,
            uti: None,
        }
    }

    fn answer(&mut self, flight: u64, secret: &str, life: u64) -> Vec<Action> {
        let grant = self.grant(secret, life);
        self.step(Input::Answered(flight, grant))
    }

    fn fail(&mut self, flight: u64, kind: ErrorKind) -> Vec<Action> {
        self.step(Input::Failed(flight, Error::new(kind, "because")))
    }

    /// Until something is due.
    fn advance(&mut self) -> (Duration, Vec<Action>) {
        let wait = self.machine.alarm(self.now).expect("nothing is planned").saturating_sub(self.now.boot);
        self.pass(wait);
        (wait, self.step(Input::Timer))
    }

    /// Until the next request, which must come by itself.
    fn advance_to_request(&mut self) -> (Duration, u64) {
        let start = self.now.boot;
        for _ in 0..10 {
            if let Some(flight) = fetch(&self.advance().1) {
                return (self.now.boot - start, flight);
            }
        }
        panic!("the alarm rang ten times and nothing was asked");
    }

    fn state(&self) -> ProviderState {
        self.machine.status(self.now).state
    }
}

#[test]
fn many_callers_on_an_empty_cache_cause_one_request_and_share_its_answer() {
    let mut bench = Bench::new();
    let requests = (0..100).filter(|_| bench.get().1.is_some()).count();
    assert_eq!(requests, 1);
    let actions = bench.answer(1, "one", 3600);
    assert!((1..=100).all(|caller| told(&actions, caller) == token("one")));
}

/// With a walk through all of them for each that comes, or for each listener that does, this would take hours.
#[test]
fn a_hundred_thousand_who_wait_cost_no_more_each_than_one() {
    const MANY: u64 = 100_000;
    let mut bench = Bench::new();
    for _ in 0..MANY {
        bench.get();
        assert_eq!(bench.machine.alarm(bench.now), Some(bench.now.boot + seconds(10)), "the request's end");
    }
    for listener in MANY + 1..2 * MANY {
        assert!(bench.step(Input::Subscribed(listener)).is_empty());
        assert!(bench.step(Input::Unsubscribed(listener)).is_empty());
    }
    let actions = bench.answer(1, "one", 3600);
    let answered = actions.iter().filter(|action| matches!(action, Action::Resolve(_, Ok(_)))).count();
    assert_eq!(answered as u64, MANY);
}

#[test]
fn a_fatal_answer_is_shared_at_once_and_asked_again_only_later() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    let actions = bench.fail(flight, ErrorKind::AuthRejected);
    assert_eq!(told(&actions, 1), Told::Error(ErrorKind::AuthRejected));
    assert_eq!(bench.get(), (Told::Error(ErrorKind::AuthRejected), None));
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds(5));
    bench.fail(flight, ErrorKind::AuthRejected);
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds(10));
    bench.answer(flight, "one", 3600);
    assert_eq!(bench.get().0, token("one"));
}

#[test]
fn refresh_after_a_fatal_answer_asks_at_once_but_not_in_a_loop() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    bench.pass(seconds(1));
    let flight = fetch(&bench.step(Input::Refresh)).expect("the new secret is tried at once");
    bench.fail(flight, ErrorKind::AuthRejected);
    let mut requests = 0;
    for _ in 0..600 {
        bench.pass(seconds(1));
        if let Some(flight) = fetch(&bench.step(Input::Refresh)).or(fetch(&bench.step(Input::Timer))) {
            bench.fail(flight, ErrorKind::AuthRejected);
            requests += 1;
        }
    }
    assert!((2..15).contains(&requests), "{requests} requests in 10 minutes");
}

#[test]
fn a_changed_credential_is_tried_at_once_however_much_was_tried_in_vain() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    for _ in 0..5 {
        bench.step(Input::Refresh);
        let (_, flight) = bench.advance_to_request();
        bench.fail(flight, ErrorKind::AuthRejected);
    }
    bench.pass(seconds(1));
    assert!(fetch(&bench.step(Input::Refresh)).is_none());
    assert!(fetch(&bench.step(Input::CredentialChanged)).is_some());
}

#[test]
fn callers_wait_through_failures_that_pass() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    assert_eq!(told(&bench.fail(flight, ErrorKind::Network), 1), Told::Nothing);
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, Duration::from_millis(750));
    assert_eq!(told(&bench.answer(flight, "one", 3600), 1), token("one"));
}

#[test]
fn a_next_attempt_beyond_the_deadline_is_said_at_once() {
    let mut bench = Bench::new();
    let flight = bench.get_with(seconds(5), DuringOutage::Wait).1.unwrap();
    let error = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
    let actions = bench.step(Input::Failed(flight, error));
    let Some(Action::Resolve(_, Err(error))) = actions.iter().find(|a| matches!(a, Action::Resolve(..)))
    else {
        panic!("the caller waits for nothing");
    };
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(error.retry_in().unwrap() >= seconds(60));
}

#[test]
fn a_caller_that_does_not_wait_gets_the_known_error() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.fail(flight, ErrorKind::Network);
    assert_eq!(bench.get_with(seconds(30), DuringOutage::Report).0, Told::Error(ErrorKind::Network));
    bench.advance_to_request();
    assert_eq!(
        bench.get_with(seconds(30), DuringOutage::Report).0,
        Told::Error(ErrorKind::Network),
        "also while it is tried"
    );
}

#[test]
fn a_caller_gets_a_time_out_at_its_deadline_if_the_source_never_answers() {
    let mut bench = Bench::new();
    bench.get_with(seconds(2), DuringOutage::Wait);
    let (wait, actions) = bench.advance();
    assert_eq!((wait, told(&actions, 1)), (seconds(2), Told::Error(ErrorKind::Timeout)));
}

#[test]
fn with_nobody_waiting_the_pauses_grow_and_a_caller_shortens_them_once() {
    let mut bench = Bench::new();
    let mut flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
    bench.random = 1.0;
    for _ in 0..9 {
        bench.fail(flight, ErrorKind::Network);
        flight = bench.advance_to_request().1;
    }
    bench.fail(flight, ErrorKind::Network);
    let planned = bench.machine.alarm(bench.now).unwrap() - bench.now.boot;
    assert_eq!(planned, seconds(30));
    bench.get();
    let hurried = bench.machine.alarm(bench.now).unwrap() - bench.now.boot;
    assert_eq!(hurried, seconds(10), "a third of the caller's patience");
    bench.random = 0.0;
    bench.pass(seconds(1));
    bench.get();
    assert_eq!(bench.machine.alarm(bench.now).unwrap() - bench.now.boot, seconds(9), "once for each failure");
}

#[test]
fn failures_never_take_a_valid_token_away_and_never_end_the_refreshing() {
    let mut bench = Bench::with_token(3600);
    let mut requests = 0;
    while bench.now.boot < START + seconds(3600 - 100) {
        let (_, flight) = bench.advance_to_request();
        assert_eq!(bench.get().0, token("one"), "after {requests} failures");
        bench.fail(flight, ErrorKind::Network);
        assert_eq!(bench.state(), ProviderState::Degraded);
        requests += 1;
    }
    assert!((30..300).contains(&requests), "{requests} requests in the last 18 minutes");
    bench.pass(seconds(7200));
    let flight = fetch(&bench.step(Input::Timer)).unwrap();
    bench.answer(flight, "two", 3600);
    assert_eq!(bench.get().0, token("two"), "recovers long after expiry");
    assert_eq!(bench.state(), ProviderState::Fresh);
}

#[test]
fn an_expired_token_is_not_handed_out_whichever_clock_says_so() {
    let mut bench = Bench::with_token(3600);
    bench.now.wall += seconds(3601); // the clock was set, right after an answer
    assert_eq!(
        bench.get_with(seconds(31), DuringOutage::Wait),
        (Told::Nothing, None),
        "spaced after the answer"
    );
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds(30), "asks again long before its scheduled refresh");
    bench.answer(flight, "two", 3600);
    assert_eq!(bench.get().0, token("two"));
    let mut bench = Bench::with_token(3600);
    bench.now.boot += seconds(3601); // suspended; the wall clock was set back meanwhile
    let (said, asked) = bench.get();
    assert!(said == Told::Nothing && asked.is_some(), "fetches at once after suspend");
}

#[test]
fn with_little_left_a_better_token_is_waited_for_and_the_old_one_served_if_none_comes() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(3550));
    let (said, flight) = bench.get();
    assert_eq!(said, Told::Nothing);
    let caller = bench.callers;
    assert_eq!(told(&bench.fail(flight.unwrap(), ErrorKind::Network), caller), token("one"));
    assert_eq!(bench.get(), (token("one"), None), "no request may start yet: served at once");
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(3590));
    bench.get();
    let (wait, actions) = bench.advance();
    assert_eq!((wait, told(&actions, bench.callers)), (seconds(5), token("one")), "half of what is left");
}

#[test]
fn the_same_token_again_is_no_news() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    let (_, flight) = bench.advance_to_request();
    let actions = bench.answer(flight, "one", 1080);
    assert!(published(&actions), "its expiry is known better now");
    assert_eq!((notified(&actions), bench.machine.version), (0, 1));
    assert!(bench.advance_to_request().0 >= seconds(30), "and is not asked for in a loop");
}

#[test]
fn a_day_long_token_that_is_repeated_to_its_end_costs_few_requests() {
    let day = 24 * 3600;
    let mut bench = Bench::with_token(day);
    let mut requests = 0;
    while bench.now.boot < START + seconds(day - 600) {
        let (_, flight) = bench.advance_to_request();
        let left = (START + seconds(day)).saturating_sub(bench.now.boot).as_secs();
        bench.answer(flight, "one", left);
        requests += 1;
    }
    assert!(requests < 80, "{requests} requests");
}

#[test]
fn a_token_that_expires_sooner_does_not_replace_a_better_one() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request();
    assert!(!published(&bench.answer(flight, "worse", 100)));
    assert_eq!(bench.get().0, token("one"));
}

#[test]
fn a_token_that_is_not_valid_yet_waits_for_its_time() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request();
    let early = Grant { not_before: seconds(100), ..bench.grant("early", 3600) };
    bench.step(Input::Answered(flight, early));
    assert_eq!(bench.get().0, token("one"));
    while bench.get().0 != token("early") {
        let flight = fetch(&bench.advance().1);
        flight.into_iter().for_each(|flight| drop(bench.fail(flight, ErrorKind::Network)));
        assert!(bench.now.boot <= START + seconds(2520 + 101), "never activated");
    }
    assert!(bench.now.boot >= START + seconds(2520 + 100), "activated too soon");
}

#[test]
fn retry_after_is_waited_for_by_everybody() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request();
    let error = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
    bench.step(Input::Failed(flight, error));
    assert!(fetch(&bench.step(Input::Refresh)).is_none());
    assert!(bench.advance_to_request().0 >= seconds(60));
}

#[test]
fn a_forced_refresh_comes_soon_and_then_ever_more_rarely() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(60));
    let flight = fetch(&bench.step(Input::Refresh)).expect("at once");
    assert!(fetch(&bench.step(Input::Refresh)).is_none(), "one at a time");
    bench.answer(flight, "one", 3540);
    let mut gaps = Vec::new();
    for _ in 0..5 {
        bench.step(Input::Refresh);
        let (gap, flight) = bench.advance_to_request();
        gaps.push(gap.as_secs());
        bench.answer(flight, "one", 3000);
    }
    assert_eq!(gaps, [30, 60, 120, 240, 480]);
}

#[test]
fn a_forced_refresh_may_bring_a_token_that_expires_sooner_but_not_by_half() {
    for (life, better) in [(2000, true), (1500, false)] {
        let mut bench = Bench::with_token(3600);
        bench.pass(seconds(60));
        let flight = fetch(&bench.step(Input::Rejected(1))).unwrap();
        assert_eq!(published(&bench.answer(flight, "two", life)), better, "{life} s");
    }
}

#[test]
fn a_rejection_forces_one_refresh_and_a_stale_one_none() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(60));
    assert!(fetch(&bench.step(Input::Rejected(0))).is_none(), "not the current version");
    let flight = fetch(&bench.step(Input::Rejected(1))).expect("asks for another");
    bench.answer(flight, "one", 3500);
    let (mut requests, start) = (0, bench.now.boot);
    while bench.now.boot < start + seconds(1800) {
        bench.pass(seconds(1));
        let actions = bench.step(Input::Rejected(1));
        if let Some(flight) = fetch(&actions) {
            bench.answer(flight, "one", 3500);
            requests += 1;
        }
    }
    assert!((3..12).contains(&requests), "{requests} requests in half an hour of rejections");
}

#[test]
fn after_a_rejection_listeners_are_told_at_once() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    bench.pass(seconds(60));
    let flight = fetch(&bench.step(Input::Rejected(1))).unwrap();
    assert_eq!(notified(&bench.answer(flight, "two", 3600)), 1);
}

#[test]
fn a_fatal_answer_to_a_forced_request_does_not_delay_the_scheduled_one() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(2500));
    let flight = fetch(&bench.step(Input::Refresh)).unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    assert_eq!(bench.advance_to_request().0, seconds(20));
}

#[test]
fn a_lost_request_is_given_up_and_its_late_answer_ignored() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    let (after, actions) = bench.advance();
    assert_eq!(after, seconds(10), "whatever hangs is given up at the request's time-out, and not later");
    assert!(fetch(&actions).is_none());
    let trouble = &bench.machine.trouble.as_ref().unwrap().0;
    assert_eq!(trouble.kind(), ErrorKind::Timeout);
    assert!(trouble.message().contains("within 10.0 s: the request has not come back."), "{trouble}");
    assert!(!published(&bench.answer(flight, "late", 3600)));
    let (_, flight) = bench.advance_to_request();
    assert!(published(&bench.answer(flight, "one", 3600)));
}

#[test]
fn short_and_expired_tokens_do_not_cause_a_storm() {
    let mut bench = Bench::with_token(3);
    let mut requests = 0;
    while bench.now.boot < START + seconds(60) {
        let (_, flight) = bench.advance_to_request();
        bench.answer(flight, &format!("token {requests}"), 3);
        requests += 1;
    }
    assert!(requests <= 60 * 4, "{requests} requests in a minute");
    let mut bench = Bench::new();
    let (mut requests, mut flight) = (0, bench.get().1.unwrap());
    while bench.now.boot < START + seconds(60) {
        bench.answer(flight, "expired", 0);
        (_, flight) = bench.advance_to_request();
        requests += 1;
    }
    assert!(requests <= 60, "{requests} requests in a minute");
}

#[test]
fn closing_answers_who_waits_and_plans_nothing() {
    let mut bench = Bench::new();
    bench.get();
    let actions = bench.step(Input::Close);
    assert_eq!(told(&actions, 1), Told::Error(ErrorKind::Closed));
    assert_eq!(bench.get(), (Told::Error(ErrorKind::Closed), None));
    assert!(!published(&bench.answer(1, "late", 3600)));
    assert!(bench.machine.alarm(bench.now).is_none());
    assert_eq!(bench.state(), ProviderState::Closed);
}

#[test]
fn a_forked_child_starts_with_its_parents_token_and_a_refresh_of_its_own() {
    let parent = Bench::with_token(3600);
    let inherited = parent.machine.newest().unwrap();
    let mut alarms = Vec::new();
    for random in [0.1, 0.9] {
        let mut child = Bench::new();
        child.machine.policy.refresh_jitter = 0.05;
        child.pass(seconds(600));
        child.machine.adopt(inherited.clone(), child.now, &mut || random);
        assert_eq!(child.get(), (token("one"), None));
        alarms.push(child.machine.alarm(child.now).unwrap());
    }
    assert_ne!(alarms[0], alarms[1]);
}

#[test]
fn listeners_are_told_inside_the_window_before_the_margin() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    let (_, flight) = bench.advance_to_request();
    bench.random = 1.0;
    assert_eq!(notified(&bench.answer(flight, "two", 3600)), 0, "each at its own moment");
    let (_, actions) = bench.advance();
    assert_eq!(notified(&actions), 1);
    assert!(bench.now.boot <= START + seconds(3600 - 180));
    let (news, late) = bench.machine.tell(bench.now, 9).unwrap();
    assert_eq!((news.secret(), late), ("two", Delivery::InTime));
}

#[test]
fn what_comes_past_the_margin_goes_out_at_once_and_is_counted_as_late() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    while bench.now.boot < START + seconds(3600 - 170) {
        let (_, flight) = bench.advance_to_request();
        bench.fail(flight, ErrorKind::Network);
    }
    let (_, flight) = bench.advance_to_request();
    assert_eq!(notified(&bench.answer(flight, "two", 3600)), 1);
    assert_eq!(bench.machine.tell(bench.now, 9).unwrap().1, Delivery::Late);
    bench.step(Input::Returned { listener: 9, panicked: false });
    let status = bench.machine.status(bench.now);
    assert_eq!((status.counters.notifications, status.counters.late_notifications), (1, 1));
}

#[test]
fn status_counts_what_happened_and_remembers_the_last_error() {
    let mut bench = Bench::new();
    assert_eq!(bench.state(), ProviderState::Idle);
    let flight = bench.get().1.unwrap();
    assert_eq!(bench.state(), ProviderState::Fetching);
    bench.fail(flight, ErrorKind::BadResponse);
    assert_eq!(bench.state(), ProviderState::Failing);
    let (_, flight) = bench.advance_to_request();
    assert_eq!(bench.machine.status(bench.now).next_refresh_in_ms, None, "one is under way");
    bench.pass(seconds(2));
    let failed = bench.fail(flight, ErrorKind::Network);
    let next = failed.iter().find_map(|action| match action {
        Action::Report(ProviderEvent::RefreshFailed { next_attempt_in, .. }) => Some(*next_attempt_in),
        _ => None,
    });
    let failed_at = bench.now.wall;
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(next, Some(wait));
    bench.answer(flight, "one", 3600);
    bench.pass(seconds(100));
    let status = bench.machine.status(bench.now);
    let last = status.last_error.as_ref().unwrap();
    assert_eq!(Duration::from_millis(last.unix_ms), failed_at);
    let durations = &status.counters.refresh_duration;
    let counted: Vec<u64> = durations.classes.iter().map(|(_, count)| *count).collect();
    assert_eq!((durations.sum_s, counted), (2.0, vec![2, 0, 0, 0, 0, 1, 0, 0, 0]), "0 s twice, and 2 s");
    assert_eq!((status.state, status.ready, status.version), (ProviderState::Fresh, true, 1));
    assert_eq!((status.token_age_ms, status.validity_left_ms), (Some(100_000), Some(3_500_000)));
    assert_eq!((status.counters.fetches, status.counters.failures["NETWORK"]), (3, 1));
    assert_eq!((status.attempts, status.last_error.as_ref().unwrap().kind), (0, "NETWORK"));
    let json: serde_json::Value = serde_json::from_str(&status.to_json()).unwrap();
    assert_eq!((json["state"].as_str(), json["counters"]["renewed"].as_u64()), (Some("fresh"), Some(1)));
    assert!(!status.to_json().contains("\"one\""));
}

#[test]
fn everybody_was_told_the_same_moment_by_retry_after_so_each_waits_a_little_longer() {
    let waits = [0.0, 1.0].map(|random| {
        let mut bench = Bench::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        bench.random = random;
        let error = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
        bench.step(Input::Failed(flight, error));
        bench.advance_to_request().0
    });
    assert!(waits[1] > waits[0], "{waits:?}");
}

#[test]
fn fatal_waits_differ_too() {
    let waits = [0.0, 1.0].map(|random| {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        bench.random = random;
        bench.fail(flight, ErrorKind::AuthRejected);
        bench.advance_to_request().0
    });
    assert!(waits[1] > waits[0], "{waits:?}");
}

#[test]
fn no_caller_hurries_a_source_that_said_when_to_come_back_or_that_refused() {
    let throttled = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
    for (error, planned) in [(throttled, 60), (Error::new(ErrorKind::AuthRejected, ""), 4)] {
        let mut bench = Bench::new();
        let flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
        bench.step(Input::Failed(flight, error));
        bench.pass(seconds(1));
        assert_eq!(bench.get().1, None);
        assert!(bench.advance_to_request().0 >= seconds(planned - 1), "{planned}");
    }
}

#[test]
fn a_caller_that_does_not_wait_gets_the_token_with_little_left_at_once() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(3550));
    assert_eq!(bench.get_with(seconds(30), DuringOutage::Report).0, token("one"));
    let status = bench.machine.status(bench.now);
    assert!(!status.ready && status.validity_left_ms == Some(50_000), "valid, and not ready");
}

#[test]
fn only_a_change_is_worth_a_warning() {
    let mut bench = Bench::new();
    let mut flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
    let mut changes = Vec::new();
    for kind in [ErrorKind::Network, ErrorKind::Network, ErrorKind::Timeout, ErrorKind::Timeout] {
        let actions = bench.fail(flight, kind);
        changes.extend(actions.iter().filter_map(|action| match action {
            Action::Report(ProviderEvent::RefreshFailed { changed, .. }) => Some(*changed),
            _ => None,
        }));
        flight = bench.advance_to_request().1;
    }
    assert_eq!(changes, [true, false, true, false]);
}

#[test]
fn a_rejected_acknowledgement_is_feedback_and_another_object_id_is_remembered() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    bench.pass(seconds(60));
    let refused = bench.step(Input::Acknowledged { listener: 9, version: 1, accepted: false });
    let flight = fetch(&refused).expect("asks for another");
    let grant = Grant { username: "another".into(), ..bench.grant("two", 3600) };
    bench.step(Input::Answered(flight, grant));
    let facts = bench.machine.facts(bench.now, 2, "WRONGPASS");
    assert_eq!(facts.previous_username.as_deref(), Some("oid"));
}

#[test]
fn whoever_rejects_every_token_causes_ever_fewer_requests() {
    let mut bench = Bench::with_token(3600);
    let (mut requests, mut version) = (0, 1);
    for _ in 0..3600 {
        bench.pass(seconds(1));
        let asked = fetch(&bench.step(Input::Rejected(version)));
        if let Some(flight) = asked {
            requests += 1;
            bench.answer(flight, &format!("token {requests}"), 3600);
            version = bench.machine.version;
        }
    }
    assert!((3..25).contains(&requests), "{requests} requests in an hour");
}

#[test]
fn a_token_for_later_takes_nobody_the_right_to_another_now() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request();
    let early = Grant { not_before: seconds(900), ..bench.grant("early", 3600) };
    bench.step(Input::Answered(flight, early));
    bench.pass(seconds(60));
    assert!(fetch(&bench.step(Input::Rejected(1))).is_some());
}

#[test]
fn a_refresh_that_is_wanted_during_a_request_survives_its_refusal() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.step(Input::Refresh);
    bench.fail(flight, ErrorKind::AuthRejected);
    assert!(bench.advance_to_request().0 < seconds(1), "the new secret is tried at once");
}

#[test]
fn after_a_refusal_a_failure_that_passes_is_waited_for_again() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    let (_, flight) = bench.advance_to_request();
    bench.fail(flight, ErrorKind::Network);
    assert_eq!(bench.get().0, Told::Nothing);
}

#[test]
fn a_rejection_is_not_weakened_by_whatever_else_wants_a_request() {
    for other in [Input::Refresh, Input::CredentialChanged] {
        let mut bench = Bench::with_token(3600);
        bench.step(Input::Subscribed(1));
        bench.step(Input::Rejected(1));
        bench.step(other);
        let (_, flight) = bench.advance_to_request();
        assert_eq!(notified(&bench.answer(flight, "two", 3600)), 1, "told at once");
    }
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(1));
    let (_, flight) = bench.advance_to_request();
    bench.step(Input::Rejected(1));
    assert_eq!(notified(&bench.answer(flight, "two", 3600)), 1, "also if a request was under way already");
}

#[test]
fn a_forked_child_that_inherits_next_to_nothing_does_not_ask_at_once() {
    let parent = Bench::with_token(3600);
    let inherited = parent.machine.newest().unwrap().clone();
    let mut child = Bench::new();
    child.now = parent.now;
    child.pass(seconds(3600 - 100));
    let random = child.random;
    child.machine.adopt(inherited, child.now, &mut || random);
    let wait = child.machine.alarm(child.now).unwrap() - child.now.boot;
    assert_eq!(wait, Duration::from_millis(2500), "half of a twentieth of the 100 s that are left");
}

impl Bench {
    /// A token of an hour with so much left, in milliseconds.
    fn end_of_one(&self, secret: &str, left_ms: u64) -> Grant {
        let remaining = Duration::from_millis(left_ms);
        Grant { remaining, lifetime: seconds(3600), ..self.grant(secret, 1) }
    }

    /// Requests in the ten minutes that follow, by callers who come every 100 ms, if each is answered so.
    fn requests_in_ten_minutes(&mut self, answer: impl Fn(&Self, u64) -> Grant) -> u64 {
        let (mut requests, mut flight) = (0, None);
        for _ in 0..6000 {
            self.pass(Duration::from_millis(100));
            flight = flight.or(self.get().1).or(fetch(&self.step(Input::Timer)));
            if let Some(number) = flight.take() {
                requests += 1;
                let grant = answer(self, number);
                flight = fetch(&self.step(Input::Answered(number, grant)));
            }
        }
        requests
    }
}

#[test]
fn whoever_hands_out_the_ends_of_tokens_is_asked_three_times_a_minute_at_most() {
    for left_ms in [0, 900, 2_000, 20_000, 90_000] {
        let asked =
            Bench::new().requests_in_ten_minutes(|bench, n| bench.end_of_one(&n.to_string(), left_ms));
        assert!((10..=33).contains(&asked), "{asked} requests in ten minutes, {left_ms} ms left");
    }
    let asked = Bench::new()
        .requests_in_ten_minutes(|bench, _| Grant { lifetime: Duration::ZERO, ..bench.end_of_one("old", 0) });
    assert!(asked <= 33, "{asked} requests for an opaque token that has expired");
}

#[test]
fn an_opaque_token_is_the_end_of_one_if_the_source_has_given_longer_ones() {
    let two_seconds =
        |bench: &Bench, n: u64| Grant { is_life_stated: false, ..bench.grant(&n.to_string(), 2) };
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    let hour = Grant { is_life_stated: false, ..bench.grant("an hour's", 3600) };
    bench.step(Input::Answered(flight, hour));
    let inherited = bench.machine.newest().unwrap().clone();
    bench.pass(seconds(3600));
    let asked = bench.requests_in_ten_minutes(two_seconds);
    assert!((10..=33).contains(&asked), "{asked} requests in ten minutes");
    let mut child = Bench { machine: Machine::new(Policy::default()), ..bench };
    child.machine.adopt(inherited, child.now, &mut || 0.5);
    let asked = child.requests_in_ten_minutes(two_seconds);
    assert!((10..=33).contains(&asked), "{asked} requests in ten minutes by a forked child");
    let asked = Bench::new().requests_in_ten_minutes(two_seconds);
    assert!(
        (350..=500).contains(&asked),
        "{asked} requests for two-second tokens, where nothing longer is known"
    );
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(3600));
    let asked = bench.requests_in_ten_minutes(|bench, n| bench.grant(&n.to_string(), 2));
    assert!(asked > 350, "{asked} requests for tokens that say themselves that they live for two seconds");
}

#[test]
fn three_ends_of_tokens_are_forgiven_and_one_that_lasts_begins_anew() {
    let mut bench = Bench::new();
    let mut flight = bench.get().1.unwrap();
    for n in 0..3 {
        let grant = bench.end_of_one(&format!("end {n}"), 20_000);
        bench.step(Input::Answered(flight, grant));
        let (wait, next) = bench.advance_to_request();
        assert_eq!(wait >= seconds(20), n == 2, "after {} of them {wait:?}", n + 1);
        flight = next;
    }
    bench.answer(flight, "one that lasts", 3600);
    bench.pass(seconds(3590));
    let flight = bench.get().1.or(fetch(&bench.step(Input::Timer))).unwrap();
    let grant = bench.end_of_one("another end", 20_000);
    bench.step(Input::Answered(flight, grant));
    assert!(bench.advance_to_request().0 < seconds(20));
}

#[test]
fn with_nothing_in_hand_a_token_for_later_is_a_failure_that_says_so_and_the_next_is_asked_for_soon() {
    let mut bench = Bench::new();
    let (_, flight) = bench.get_with(seconds(2), DuringOutage::Wait);
    let grant = Grant { not_before: seconds(300), ..bench.grant("later", 6) };
    let grant = Grant { remaining: seconds(306), ..grant };
    let actions = bench.step(Input::Answered(flight.unwrap(), grant));
    let reported = actions.iter().find_map(|action| match action {
        Action::Report(ProviderEvent::RefreshFailed { error, changed, .. }) => {
            Some((error.clone(), *changed))
        }
        _ => None,
    });
    let (error, changed) = reported.expect("a failure is reported");
    assert!(changed && error.kind() == ErrorKind::BadResponse);
    assert!(
        error.message().contains("valid only from Mon, 12 Jan 1970 13:51:40 GMT on, 300 s from now"),
        "{error}"
    );
    let status = bench.machine.status(bench.now);
    assert_eq!((status.attempts, status.counters.failures["BAD_RESPONSE"]), (1, 1));
    assert!(status.last_error.unwrap().message.contains("valid only from"));
    assert_eq!(
        told(&actions, 1),
        Told::Error(ErrorKind::BadResponse),
        "the next attempt is beyond its deadline"
    );
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(
        wait,
        Duration::from_millis(15_300),
        "a twentieth of that token's life, and not the configured 30 s"
    );
    bench.answer(flight, "now", 6);
    assert_eq!(bench.get().0, token("now"));
}

#[test]
fn a_token_whose_time_has_come_is_used_at_whatever_happens_next() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    let grant = Grant { not_before: seconds(5), ..bench.grant("early", 3600) };
    bench.step(Input::Answered(flight, grant));
    bench.pass(seconds(6));
    let actions = bench.step(Input::Subscribed(99)); // not the timer, and nobody who asks
    assert!(published(&actions));
    assert_eq!(bench.get().0, token("early"));
}

#[test]
fn a_forced_answer_with_less_than_the_least_validity_does_not_replace_the_token() {
    let mut bench = Bench::with_token(100);
    bench.pass(seconds(97));
    let flight = fetch(&bench.step(Input::Refresh)).or(fetch(&bench.step(Input::Timer))).expect("a request");
    // Half of the 3 s that are left is less than a twentieth of a token's life of 100 s.
    let grant =
        Grant { remaining: Duration::from_millis(2500), lifetime: seconds(100), ..bench.grant("two", 1) };
    assert!(!published(&bench.step(Input::Answered(flight, grant))));
    assert_eq!(bench.machine.newest().unwrap().secret(), "one");
}

#[test]
fn forced_refreshes_in_vain_are_ten_minutes_apart_at_most() {
    let mut bench = Bench::with_token(86_400);
    let mut longest = Duration::ZERO;
    for _ in 0..12 {
        let before = bench.now.boot;
        bench.step(Input::Refresh);
        let flight = loop {
            let actions = bench.advance().1;
            if let Some(flight) = fetch(&actions) {
                break flight;
            }
        };
        longest = longest.max(bench.now.boot - before);
        bench.answer(flight, "one", 80_000);
    }
    assert_eq!(longest, seconds(600));
}

#[test]
fn a_repeated_token_shows_its_new_end_and_keeps_its_plan() {
    let mut bench = Bench::with_token(3600);
    let first = bench.machine.newest().unwrap().clone();
    bench.pass(seconds(60));
    let flight = fetch(&bench.step(Input::Refresh)).unwrap();
    bench.answer(flight, "one", 3000);
    let again = bench.machine.newest().unwrap();
    assert_eq!(again.expires_unix_ms(), (START.as_secs() + 60 + 3000) * 1000);
    assert_eq!(again.refresh_unix_ms(), first.refresh_unix_ms());
    assert_eq!(again.version(), first.version());
}

#[test]
fn refreshes_are_jittered_each_by_its_own_draw() {
    let refresh_after = |random: f64| {
        let mut bench = Bench::new();
        bench.machine = Machine::new(Policy::default());
        bench.random = random;
        let flight = bench.get().1.unwrap();
        bench.answer(flight, "one", 3600);
        bench.machine.status(bench.now).next_refresh_in_ms.unwrap()
    };
    let draws = [0.0, 0.25, 0.5, 0.75, 0.99].map(refresh_after);
    assert!(draws.windows(2).all(|pair| pair[0] < pair[1]), "the first refresh: {draws:?}");
    let second = |random: f64| {
        let mut bench = Bench::new();
        bench.machine = Machine::new(Policy::default());
        let flight = bench.get().1.unwrap();
        bench.answer(flight, "one", 3600);
        bench.random = random;
        let (_, flight) = bench.advance_to_request();
        bench.answer(flight, "two", 3600);
        bench.machine.status(bench.now).next_refresh_in_ms.unwrap()
    };
    let draws = [0.0, 0.25, 0.5, 0.75, 1.0].map(second);
    assert!(draws.windows(2).all(|pair| pair[0] > pair[1]), "those that follow: {draws:?}");
    assert_eq!(draws[0] - draws[4], 180_000, "a twentieth of its life in all");
}

#[test]
fn the_previous_user_name_is_that_of_the_token_before_and_of_no_other() {
    let mut bench = Bench::with_token(3600);
    let previous = |bench: &Bench| bench.machine.facts(bench.now, 1, "").previous_username;
    assert_eq!(previous(&bench), None);
    for (secret, username, expected) in
        [("two", "other", Some("oid")), ("three", "other", None), ("four", "oid", Some("other"))]
    {
        let (_, flight) = bench.advance_to_request();
        let grant = Grant { username: username.into(), ..bench.grant(secret, 3600) };
        bench.step(Input::Answered(flight, grant));
        assert_eq!(previous(&bench).as_deref(), expected, "after {secret}");
    }
}

#[test]
fn a_source_in_need_of_a_pause_gets_it_also_from_whoever_is_in_a_hurry() {
    let mut bench = Bench::new();
    bench.random = 0.0;
    let (_, flight) = bench.get_with(seconds(1), DuringOutage::Wait);
    let error = || Error::new(ErrorKind::BadResponse, "updating").with_pause(seconds(1));
    bench.step(Input::Failed(flight.unwrap(), error()));
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds(1));
    bench.step(Input::Failed(flight, error()));
    bench.pass(Duration::from_millis(10));
    assert_eq!(bench.get(), (Told::Nothing, None), "it waits within its deadline");
    assert_eq!(bench.advance_to_request().0, Duration::from_millis(990));
}

#[test]
fn a_failure_after_a_success_and_a_token_that_comes_too_early_are_changes_too() {
    let changed = |actions: &[Action]| {
        actions.iter().find_map(|action| match action {
            Action::Report(ProviderEvent::RefreshFailed { changed, .. }) => Some(*changed),
            _ => None,
        })
    };
    let mut bench = Bench::new();
    let flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
    assert_eq!(changed(&bench.fail(flight, ErrorKind::Network)), Some(true));
    let (_, flight) = bench.advance_to_request();
    let early = |bench: &Bench| Grant { not_before: seconds(300), ..bench.grant("later", 3600) };
    let grant = early(&bench);
    assert_eq!(changed(&bench.step(Input::Answered(flight, grant))), Some(true), "another kind");
    let (_, flight) = bench.advance_to_request();
    let grant = early(&bench);
    assert_eq!(changed(&bench.step(Input::Answered(flight, grant))), Some(false), "the same");
    let (_, flight) = bench.advance_to_request();
    let expired = Grant { remaining: Duration::ZERO, ..bench.grant("old", 3600) };
    assert_eq!(changed(&bench.step(Input::Answered(flight, expired))), Some(false), "no token either");
    let (_, flight) = bench.advance_to_request();
    assert_eq!(changed(&bench.answer(flight, "one", 3600)), None);
    let (_, flight) = bench.advance_to_request();
    assert_eq!(changed(&bench.fail(flight, ErrorKind::BadResponse)), Some(true), "it had recovered");
}

#[test]
fn a_call_under_way_is_served_at_once_by_a_token_that_ends_sooner_than_the_caller_hoped() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(3560));
    let (said, flight) = bench.get();
    assert_eq!(said, Told::Nothing, "40 s are left: it hopes for 20 s");
    let caller = bench.callers;
    // The same token again, and by the source's clock only 10 s of it are left: there is no better one.
    assert_eq!(told(&bench.answer(flight.unwrap(), "one", 10), caller), token("one"));
    bench.pass(seconds(10));
    assert_eq!(bench.get().0, Told::Nothing, "it has ended when the source said");
}

#[test]
fn forked_children_do_not_ask_before_a_share_of_the_interval_that_each_draws() {
    let parent = Bench::with_token(3600);
    let inherited = parent.machine.newest().unwrap().clone();
    let wait = |random: f64, left: u64| {
        let mut child = Bench::new();
        child.now = parent.now;
        child.pass(seconds(3600 - left));
        child.machine.adopt(inherited.clone(), child.now, &mut || random);
        child.machine.alarm(child.now).map(|at| at - child.now.boot)
    };
    // Less than the lower bound is left: they would all ask at once.
    let waits = [0.0, 0.25, 0.5, 1.0].map(|random| wait(random, 200).unwrap().as_millis());
    assert_eq!(waits, [0, 2500, 5000, 10_000], "a twentieth of the 200 s that are left, at most");
    assert_eq!(wait(1.0, 299).map(|wait| wait.as_millis()), Some(14_950));
    assert_eq!(wait(1.0, 4).map(|wait| wait.as_millis()), Some(250), "never less than the least interval");
}

#[test]
fn what_expires_on_its_way_is_less_than_a_second_or_a_tenth_of_a_life() {
    for (left_ms, lifetime, taken) in
        [(0, 3600, false), (999, 3600, false), (1000, 3600, true), (499, 5, false), (500, 5, true)]
    {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        let remaining = Duration::from_millis(left_ms);
        let grant = Grant { remaining, lifetime: seconds(lifetime), ..bench.grant("short", 1) };
        let actions = bench.step(Input::Answered(flight, grant));
        assert_eq!(published(&actions), taken, "{left_ms} ms of {lifetime} s");
    }
}

#[test]
fn another_token_that_ends_at_the_same_moment_is_no_better_and_counts_as_unchanged() {
    let mut bench = Bench::with_token(3600);
    let unchanged = |bench: &Bench| bench.machine.status(bench.now).counters.unchanged;
    let (_, flight) = bench.advance_to_request();
    let left = (START + seconds(3600)).saturating_sub(bench.now.boot).as_secs();
    assert!(!published(&bench.answer(flight, "two", left)));
    assert_eq!(unchanged(&bench), 1);
    let (_, flight) = bench.advance_to_request();
    bench.answer(flight, "one", 600);
    assert_eq!(unchanged(&bench), 2, "the same token too");
}

#[test]
fn after_an_answer_in_vain_a_tenth_of_what_is_left_before_the_margin_passes() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request();
    bench.answer(flight, "one", 1080);
    // 180 s of margin, and 110 s of spread: a lower bound of 300 s less the margin and one request.
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds((1080 - 180 - 110) / 10));
    bench.answer(flight, "one", 300);
    assert_eq!(bench.advance_to_request().0, seconds(30), "and never less than the interval");
}

impl Bench {
    /// With a token in hand an answer brings one that is valid in so many seconds and ends after `remaining`.
    fn early(&mut self, secret: &str, not_before: u64, remaining: Duration, lifetime: u64) -> Vec<Action> {
        let (_, flight) = self.advance_to_request();
        let grant = self.grant(secret, lifetime);
        self.step(Input::Answered(flight, Grant { not_before: seconds(not_before), remaining, ..grant }))
    }

    fn early_secret(&self) -> Option<&str> {
        self.machine.early.as_ref().map(|early| early.grant.secret.as_str())
    }
}

#[test]
fn a_token_for_later_is_kept_if_enough_of_it_will_be_left() {
    for (remaining_ms, lifetime, kept) in
        [(100_500, 3600, false), (101_000, 3600, false), (101_001, 3600, true), (100_501, 5, true)]
    {
        let mut bench = Bench::with_token(3600);
        bench.early("later", 100, Duration::from_millis(remaining_ms), lifetime);
        assert_eq!(bench.early_secret().is_some(), kept, "{remaining_ms} ms of {lifetime} s");
        let unchanged = bench.machine.status(bench.now).counters.unchanged;
        assert_eq!(unchanged, u64::from(!kept), "{remaining_ms} ms of {lifetime} s");
    }
}

#[test]
fn of_several_tokens_for_later_the_first_that_may_be_used_is_kept() {
    let mut bench = Bench::with_token(86_400);
    bench.early("first", 20_000, seconds(90_000), 86_400);
    let from = bench.machine.early.as_ref().unwrap().valid_from;
    let moments = [("later", from + seconds(1)), ("at the same moment", from), ("sooner", from - seconds(1))];
    for (secret, valid_from) in moments {
        let (_, flight) = bench.advance_to_request();
        let grant = Grant { not_before: valid_from - bench.now.boot, ..bench.grant(secret, 86_400) };
        bench.step(Input::Answered(flight, grant));
        assert_eq!(bench.early_secret() == Some(secret), secret == "sooner", "{secret}");
    }
    assert_eq!(bench.machine.status(bench.now).counters.unchanged, 1, "the first, in the end");
}

#[test]
fn a_token_for_later_that_has_ended_when_its_time_is_seen_is_not_used() {
    for late in [0, 1000] {
        let mut bench = Bench::new();
        let flight = bench.get().1.unwrap();
        let grant = Grant { not_before: seconds(5), ..bench.grant("early", 60) };
        bench.step(Input::Answered(flight, grant));
        bench.pass(seconds(60) + Duration::from_millis(late)); // suspended, as it were
        assert!(!published(&bench.step(Input::Subscribed(9))), "{late} ms after its end");
        assert_eq!(bench.machine.status(bench.now).counters.unchanged, 1);
    }
}

#[test]
fn who_waited_with_a_token_in_hand_takes_nobody_the_right_to_draw_the_next_attempt_nearer() {
    let mut bench = Bench::with_token(3600);
    bench.random = 1.0;
    bench.pass(seconds(3560));
    let mut flight = bench.get().1.expect("little is left");
    for _ in 0..5 {
        bench.fail(flight, ErrorKind::Network);
        flight = bench.advance_to_request().1;
    }
    assert_eq!(bench.get().0, Told::Nothing, "somebody waits for better than the 9 s that are left");
    bench.fail(flight, ErrorKind::Network);
    bench.pass(START + seconds(3601) - bench.now.boot);
    assert_eq!(bench.get().0, Told::Nothing);
    let next = bench.machine.alarm(bench.now).unwrap() - bench.now.boot;
    assert_eq!(next, seconds(10), "a third of a caller's patience");
}

#[test]
fn a_token_for_later_is_kept_beside_a_new_one_only_if_it_lives_longer() {
    for (sooner_by, kept) in [(-1_i64, false), (0, false), (1, true)] {
        let mut bench = Bench::with_token(3600);
        bench.early("later", 1000, seconds(4600), 3600);
        let end = bench.machine.early.as_ref().unwrap().grant.end();
        let (_, flight) = bench.advance_to_request();
        let left = (end - bench.now.boot).as_secs().checked_add_signed(-sooner_by).unwrap();
        assert!(published(&bench.answer(flight, "two", left)));
        assert_eq!(bench.early_secret().is_some(), kept, "the new one ends {sooner_by} s sooner");
    }
}

#[test]
fn a_new_token_is_reported_with_its_end_on_the_wall_clock() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    let end = bench.answer(flight, "one", 3600).into_iter().find_map(|action| match action {
        Action::Report(ProviderEvent::TokenRefreshed { expires_unix_ms, .. }) => Some(expires_unix_ms),
        _ => None,
    });
    assert_eq!(end, Some((START + seconds(3600)).as_millis() as u64));
}
