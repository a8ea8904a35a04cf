//! What listeners, connections and servers say of a token: what of it counts, and what it causes.

use super::*;

impl Bench {
    /// How many re-authentications are counted as taken and as refused.
    fn reauthentications(&self) -> (u64, u64) {
        let counters = self.machine.status(self.now).counters;
        (counters.reauths_accepted, counters.reauths_rejected)
    }

    fn acknowledge(&mut self, listener: u64, version: u64, accepted: bool) -> Vec<Action> {
        self.step(Input::Acknowledged { listener, version, accepted })
    }

    /// The second of two tokens is in hand.
    fn with_two_tokens() -> Self {
        let mut bench = Self::with_token(3600);
        let (_, flight) = bench.advance_to_request();
        bench.answer(flight, "two", 3600);
        bench
    }
}

/// The versions of the re-authentications that are reported as taken.
fn renewed(actions: &[Action]) -> Vec<u64> {
    let versions = actions.iter().filter_map(|action| match action {
        Action::Report(ProviderEvent::Reauthenticated { version }) => Some(*version),
        _ => None,
    });
    versions.collect()
}

/// Of those that are reported as refused: the version, how often that makes, and whether it is explained elsewhere.
fn refused(actions: &[Action]) -> Vec<(u64, u64, bool)> {
    let refusals = actions.iter().filter_map(|action| match action {
        Action::Report(ProviderEvent::ReauthenticationFailed { version, times, explained }) => {
            Some((*version, *times, *explained))
        }
        _ => None,
    });
    refusals.collect()
}

#[test]
fn acknowledgements_count_if_the_listener_and_the_token_exist() {
    let mut bench = Bench::with_two_tokens();
    bench.step(Input::Subscribed(9));
    for (listener, version) in [(9, 0), (9, 3), (8, 2), (8, 3)] {
        for accepted in [true, false] {
            let actions = bench.acknowledge(listener, version, accepted);
            assert!(actions.is_empty(), "listener {listener}, version {version}: {actions:?}");
        }
    }
    assert_eq!(bench.reauthentications(), (0, 0));
    assert_eq!(renewed(&bench.acknowledge(9, 2, true)), [2]);
    assert_eq!(renewed(&bench.acknowledge(9, 1, true)), [1], "late, and true of the token before");
    assert_eq!(refused(&bench.acknowledge(9, 1, false)), [(1, 1, false)]);
    assert_eq!(refused(&bench.acknowledge(9, 1, false)), [(1, 2, false)]);
    assert_eq!(bench.reauthentications(), (2, 2));
}

#[test]
fn what_servers_say_on_connections_counts_once_for_each_connection_and_token_that_exist() {
    let mut bench = Bench::with_two_tokens();
    bench.step(Input::Subscribed(9));
    bench.step(Input::Connected { listener: 9, connection: 1 });
    let taken = |bench: &mut Bench, listener, version| {
        renewed(&bench.step(Input::Authenticated { listener, connection: 1, version }))
    };
    let not_taken = |bench: &mut Bench, listener, version| {
        refused(&bench.step(Input::Refused { listener, connection: 1, version }))
    };
    assert_eq!(taken(&mut bench, 9, 1), [0; 0], "the handshake's is no re-authentication");
    for (listener, version) in [(9, 0), (9, 3), (8, 2)] {
        assert_eq!(taken(&mut bench, listener, version), [0; 0], "listener {listener}, version {version}");
        assert_eq!(not_taken(&mut bench, listener, version), [], "listener {listener}, version {version}");
    }
    assert_eq!(bench.reauthentications(), (0, 0));
    assert_eq!(not_taken(&mut bench, 9, 2), [(2, 1, true)]);
    assert_eq!(not_taken(&mut bench, 9, 2), [], "it says the same again");
    assert_eq!(taken(&mut bench, 9, 2), [2]);
    assert_eq!(taken(&mut bench, 9, 2), [0; 0], "it is on that one already");
    assert_eq!(bench.reauthentications(), (1, 1));
}

#[test]
fn callbacks_that_panic_are_counted_and_reported_with_their_number() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(9));
    assert!(bench.step(Input::Returned { listener: 9, panicked: false }).is_empty());
    let times = [1, 2].map(|_| {
        let actions = bench.step(Input::Returned { listener: 9, panicked: true });
        actions.iter().find_map(|action| match action {
            Action::Report(ProviderEvent::ListenerFailed { times }) => Some(*times),
            _ => None,
        })
    });
    assert_eq!(times, [Some(1), Some(2)]);
    assert_eq!(bench.machine.status(bench.now).counters.listener_failures, 2);
}

#[test]
fn a_listener_that_panicked_stays_on_the_token_before_and_one_that_returned_does_not() {
    for (panicked, oldest) in [(true, 1), (false, 2)] {
        let mut bench = Bench::with_token(3600);
        bench.step(Input::Subscribed(9));
        let flight = fetch(&bench.step(Input::Rejected(1))).or_else(|| Some(bench.advance_to_request().1));
        bench.answer(flight.unwrap(), "two", 3600);
        assert!(bench.machine.tell(bench.now, 9).is_some());
        bench.step(Input::Returned { listener: 9, panicked });
        let listeners = bench.machine.status(bench.now).listeners;
        assert_eq!((listeners.count, listeners.oldest_version), (1, Some(oldest)), "panicked: {panicked}");
    }
}

#[test]
fn only_the_newest_token_s_rejection_asks_for_another() {
    let mut bench = Bench::new();
    assert_eq!(fetch(&bench.step(Input::Rejected(0))), None, "there is no token yet");
    let mut bench = Bench::with_two_tokens();
    bench.pass(seconds(60));
    for version in [0, 1, 3] {
        assert_eq!(fetch(&bench.step(Input::Rejected(version))), None, "version {version}");
    }
    assert!(fetch(&bench.step(Input::Rejected(2))).is_some());
}

#[test]
fn connections_that_are_behind_are_counted_one_by_one_where_the_listener_says_which_it_has() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(8));
    bench.step(Input::Subscribed(9));
    for connection in 1..=3 {
        bench.step(Input::Connected { listener: 9, connection });
        bench.step(Input::Authenticated { listener: 9, connection, version: 1 });
    }
    let (_, flight) = bench.advance_to_request();
    let deadline = START + seconds(3600 - 180);
    bench.answer(flight, "two", 3600);
    let mut behind = None;
    while bench.now.boot < deadline {
        assert_eq!(bench.machine.status(bench.now).listeners.stale, 0, "before the deadline");
        behind = bench.advance().1.into_iter().find_map(|action| match action {
            Action::Report(ProviderEvent::ListenerStale { version, connections }) => {
                Some((bench.now.boot, version, connections))
            }
            _ => None,
        });
    }
    assert_eq!(behind, Some((deadline, 1, 1 + 3)));
    let listeners = bench.machine.status(bench.now).listeners;
    assert_eq!((listeners.count, listeners.connections, listeners.stale), (2, 3, 4));
}

#[test]
fn who_is_on_the_newest_token_is_not_behind_however_near_its_end() {
    let mut bench = Bench::with_token(3600);
    bench.step(Input::Subscribed(8));
    bench.step(Input::Subscribed(9));
    bench.step(Input::Connected { listener: 9, connection: 1 });
    bench.step(Input::Authenticated { listener: 9, connection: 1, version: 1 });
    bench.pass(seconds(3600 - 100));
    assert_eq!(bench.machine.status(bench.now).listeners.stale, 0, "there is no newer one to tell of");
}

#[test]
fn news_at_the_deadline_itself_is_in_time() {
    for (late_ms, delivery) in [(0, Delivery::InTime), (1, Delivery::Late)] {
        let mut bench = Bench::with_token(3600);
        bench.step(Input::Subscribed(9));
        let (_, flight) = bench.advance_to_request();
        bench.answer(flight, "two", 3600);
        bench.pass(START + seconds(3600 - 180) + Duration::from_millis(late_ms) - bench.now.boot);
        assert_eq!(
            bench.machine.tell(bench.now, 9).map(|(_, delivery)| delivery),
            Some(delivery),
            "{late_ms} ms"
        );
    }
}
