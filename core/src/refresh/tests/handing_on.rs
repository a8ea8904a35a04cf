//! Tokens for somebody who keeps them for a while.

use super::*;

impl Bench {
    /// A caller with 30 s who hands the token on: what it is told at once, and its number.
    fn hand_on(&mut self) -> (Told, u64) {
        self.callers += 1;
        let deadline = self.now.boot + seconds(30);
        let wish = Wish { deadline, during_outage: DuringOutage::Report, hands_on: true };
        let actions = self.step(Input::Get(self.callers, wish));
        (told(&actions, self.callers), self.callers)
    }
}

#[test]
fn with_enough_left_it_is_served_at_once_and_so_is_one_that_ages_while_nothing_better_is_under_way() {
    let mut bench = Bench::with_token(3600);
    assert_eq!(bench.hand_on().0, token("one"));
    let (_, flight) = bench.advance_to_request();
    bench.fail(flight, ErrorKind::Network);
    assert_eq!(bench.hand_on().0, token("one"), "the back-off is not waited for");
}

#[test]
fn one_that_ages_waits_for_the_request_under_way_but_no_longer_than_a_request_takes() {
    let mut bench = Bench::with_token(3600);
    let (_, flight) = bench.advance_to_request(); // at 70 %: 1,080 s are left
    bench.pass(seconds(1));
    let (said, first) = bench.hand_on();
    assert_eq!(said, Told::Nothing);
    let actions = bench.answer(flight, "two", 3600);
    assert_eq!(told(&actions, first), token("two"));

    let mut bench = Bench::with_token(3600);
    bench.advance_to_request();
    bench.pass(seconds(1));
    let (said, caller) = bench.hand_on();
    assert_eq!(said, Told::Nothing);
    let (waited, actions) = bench.advance();
    assert!(waited <= seconds(10) && told(&actions, caller) == token("one"), "{waited:?}");
}

#[test]
fn in_an_outage_that_is_known_it_is_served_at_once_down_to_the_margin_and_then_refused() {
    let mut bench = Bench::with_token(3600);
    let mut last = (Told::Nothing, seconds(3600));
    while last.0 != Told::Error(ErrorKind::Network) {
        let (_, flight) = bench.advance_to_request();
        bench.fail(flight, ErrorKind::Network);
        let left = seconds(3600) - (bench.now.boot - START);
        let (said, _) = bench.hand_on();
        let expected = if left >= seconds(180) { token("one") } else { Told::Error(ErrorKind::Network) };
        assert_eq!(said, expected, "{left:?} are left");
        last = (said, left);
    }
    assert!(last.1 > seconds(120), "the one that was refused came soon after the margin: {last:?}");
    assert_eq!(bench.get().0, token("one"), "who needs it now, gets it");
}

#[test]
fn a_token_of_a_day_that_the_source_repeats_is_served_and_nobody_causes_a_request() {
    const DAY: u64 = 86_400;
    let mut bench = Bench::with_token(DAY);
    let end = START + seconds(DAY);
    let (mut requests, mut served) = (0, 0);
    while bench.now.boot + seconds(400) < end {
        let (_, flight) = bench.advance_to_request();
        let left = (end - bench.now.boot).as_secs();
        let mut grant = bench.grant("one", left);
        grant.lifetime = seconds(DAY);
        bench.step(Input::Answered(flight, grant));
        requests += 1;
        for _ in 0..100 {
            assert_eq!(bench.hand_on().0, token("one"));
            served += 1;
        }
    }
    assert!(requests < 100 && served == requests * 100, "{requests} requests");
    bench.pass(end - bench.now.boot - seconds(100));
    let (said, _) = bench.hand_on();
    assert!(matches!(said, Told::Error(_) | Told::Nothing), "too little is left: {said:?}");
}
