//! When the next request comes: the edges that callers and sources notice.

use super::*;

#[test]
fn a_caller_whose_deadline_is_the_next_attempt_is_told_at_once() {
    let attempt = Duration::from_millis(750);
    for (patience, said) in
        [(attempt, Told::Error(ErrorKind::Network)), (attempt + Duration::from_millis(1), Told::Nothing)]
    {
        let mut bench = Bench::new();
        let flight = bench.get_with(patience, DuringOutage::Wait).1.unwrap();
        assert_eq!(told(&bench.fail(flight, ErrorKind::Network), 1), said, "{patience:?}");
    }
}

#[test]
fn everybody_who_waits_gets_a_token_whose_time_has_come_whatever_shows_it() {
    let mut bench = Bench::new();
    let flight = bench.get().1.unwrap();
    bench.get();
    let grant = Grant { not_before: seconds(5), ..bench.grant("early", 3600) };
    bench.step(Input::Answered(flight, grant));
    bench.pass(seconds(6));
    let actions = bench.step(Input::Subscribed(99)); // which by itself brings nobody anything
    assert_eq!([1, 2].map(|caller| told(&actions, caller)), [token("early"), token("early")]);
}

#[test]
fn a_refusal_stands_from_a_fatal_answer_to_the_next_request() {
    let mut bench = Bench::new();
    assert!(!bench.machine.is_refused(), "nothing was asked");
    let flight = bench.get().1.unwrap();
    assert!(!bench.machine.is_refused(), "nothing is known");
    bench.fail(flight, ErrorKind::Network);
    assert!(!bench.machine.is_refused(), "that passes by itself");
    let (_, flight) = bench.advance_to_request();
    bench.fail(flight, ErrorKind::AuthRejected);
    assert!(bench.machine.is_refused());
    let (_, flight) = bench.advance_to_request();
    assert!(!bench.machine.is_refused(), "it is tried again");
    bench.fail(flight, ErrorKind::AuthRejected);
    assert!(bench.machine.is_refused() && !bench.machine.is_closed());
    bench.step(Input::Close);
    assert!(!bench.machine.is_refused() && bench.machine.is_closed(), "nobody will try it again");
}

#[test]
fn a_fatal_answer_with_a_token_in_hand_is_tried_again_ever_more_rarely() {
    let mut bench = Bench::with_token(86_400);
    let (_, mut flight) = bench.advance_to_request();
    let mut waits = Vec::new();
    for _ in 0..4 {
        bench.fail(flight, ErrorKind::AuthRejected);
        let (wait, next) = bench.advance_to_request();
        waits.push(wait.as_secs());
        flight = next;
    }
    assert_eq!(waits, [5, 10, 20, 40]);
}

#[test]
fn a_fatal_answer_to_a_refresh_at_the_scheduled_moment_counts_as_the_schedule_s() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(2520));
    let flight = fetch(&bench.step(Input::Refresh)).unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    assert_eq!(bench.advance_to_request().0, seconds(5), "not as soon as the gate opens");
}

/// The clock was set: the token that is refreshed in half an hour has ended, or nearly so.
#[test]
fn a_plan_for_a_token_that_ended_sooner_delays_no_retry() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(60));
    bench.now.wall += seconds(3600);
    let flight = fetch(&bench.step(Input::Refresh)).unwrap();
    bench.fail(flight, ErrorKind::AuthRejected);
    assert_eq!(bench.advance_to_request().0, seconds(5), "a refusal, with nothing valid in hand");
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(60));
    bench.now.wall += seconds(3600 - 60 - 50);
    let (said, flight) = bench.get();
    assert_eq!(said, Told::Nothing, "50 s are left: a better one is asked for");
    assert_eq!(told(&bench.fail(flight.unwrap(), ErrorKind::Network), bench.callers), token("one"));
    assert!(bench.advance_to_request().0 < seconds(1), "and asked for again though nobody waits any more");
}

#[test]
fn whoever_comes_when_nobody_waits_does_not_hurry_a_source_that_said_when_to_come_back() {
    let mut bench = Bench::new();
    let flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
    assert_eq!(told(&bench.advance().1, 1), Told::Error(ErrorKind::Timeout), "nobody waits any more");
    let error = Error::new(ErrorKind::Throttled, "").with_retry_after(Some(seconds(60)));
    bench.step(Input::Failed(flight, error));
    let planned = bench.machine.alarm(bench.now);
    bench.get_with(seconds(120), DuringOutage::Wait);
    assert_eq!(bench.machine.alarm(bench.now), planned);
}

#[test]
fn whoever_comes_when_nobody_waits_does_not_hurry_a_source_of_ends_of_tokens() {
    let mut bench = Bench::new();
    let mut flight = bench.get_with(seconds(1), DuringOutage::Wait).1.unwrap();
    bench.advance();
    for n in 1..=3 {
        let expired = bench.end_of_one("old", 0);
        bench.step(Input::Answered(flight, expired));
        if n < 3 {
            flight = bench.advance_to_request().1;
        }
    }
    let planned = bench.machine.alarm(bench.now);
    assert!(planned >= Some(bench.now.boot + seconds(20)), "three are forgiven");
    bench.get_with(seconds(120), DuringOutage::Wait);
    assert_eq!(bench.machine.alarm(bench.now), planned);
}

#[test]
fn the_schedule_s_own_answer_shortens_no_wait_of_refreshes_in_vain() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(2000));
    for _ in 0..5 {
        let flight = fetch(&bench.step(Input::Refresh)).unwrap_or_else(|| bench.advance_to_request().1);
        let left = (START + seconds(3600) - bench.now.boot).as_secs();
        bench.answer(flight, "one", left);
    }
    // After 30, 60, 120 and 240 s: the next no sooner than at 2930 s.
    assert_eq!(bench.now.boot - START, seconds(2450));
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait, seconds(70), "the schedule's");
    bench.answer(flight, "one", 1080);
    bench.step(Input::Refresh);
    assert_eq!(bench.advance_to_request().0, seconds(79), "the schedule's again, and not after the interval");
}

#[test]
fn a_forked_child_asks_as_its_parent_would_though_it_inherits_little() {
    let parent = Bench::with_token(3600);
    let inherited = parent.machine.newest().unwrap().clone();
    let mut child = Bench::new();
    child.now = parent.now;
    child.pass(seconds(3600 - 400));
    child.machine.adopt(inherited, child.now, &mut || 0.5);
    child.random = 1.0;
    let (_, mut flight) = child.advance_to_request();
    let mut longest = Duration::ZERO;
    for _ in 0..7 {
        child.fail(flight, ErrorKind::Network);
        let (wait, next) = child.advance_to_request();
        (longest, flight) = (longest.max(wait), next);
    }
    assert_eq!(longest, seconds(30), "a fortieth of the hour that the token lives, capped; not of the 400 s");
}

#[test]
fn a_provider_whose_token_ended_unseen_is_not_idle() {
    let mut bench = Bench::with_token(3600);
    bench.pass(seconds(7200)); // suspended: nothing has happened yet
    assert_eq!(bench.state(), ProviderState::Fetching);
}

#[test]
fn a_connection_may_stay_until_a_successor_is_due_and_then_for_a_share_of_the_spread_before_its_deadline() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(99));
    let stays = |bench: &Bench, version| {
        [0.0, 1.0].map(|random| bench.machine.reauth_in(bench.now, version, random).as_secs())
    };
    let spread = 110; // 300 s of the lower bound less 180 s of the margin and 10 s of a request
    let [due, longest] = stays(&bench, 1);
    assert_eq!(longest, due + spread);
    let (wait, flight) = bench.advance_to_request();
    assert_eq!(wait.as_secs(), due);
    assert_eq!(stays(&bench, 1), [0, spread], "the successor is under way");
    bench.answer(flight, "two", 3600);
    assert_eq!(stays(&bench, 1), [0, spread]);
    assert!(stays(&bench, 2)[0] > 0, "the newest has a life before it");
    let deadline = 3600 - 180;
    bench.pass(seconds(deadline - due - 20));
    assert_eq!(stays(&bench, 1), [0, 20]);
    bench.pass(seconds(20));
    assert_eq!(stays(&bench, 1), [0, 0]);
    assert_eq!(stays(&bench, 7), [0, 0], "there is no such token");
}

#[test]
fn without_a_spread_connections_move_at_once() {
    let mut bench = Bench::with_token(3600);
    bench.machine.policy.reauth_spread = 0.0;
    bench.step(Input::Subscribed(99));
    let (_, flight) = bench.advance_to_request();
    bench.answer(flight, "two", 3600);
    assert_eq!(bench.machine.reauth_in(bench.now, 1, 1.0), Duration::ZERO);
}
