//! How a service ends: told by a signal or a request, it goes on for a while, takes no more clients, lets those that it has
//! finish, and cuts off what is left.

use crate::{Connections, Life, Stage};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::Instant;

/// Why a service ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// SIGTERM.
    Terminate,
    /// SIGINT: somebody pressed Ctrl-C.
    Interrupt,
    /// A request to do so.
    Asked,
}

impl Cause {
    /// What the process ends with: 128 and the signal's number, as shells have it.
    #[must_use]
    pub fn exit_code(self, zero_on_sigterm: bool) -> u8 {
        match self {
            Self::Terminate if zero_on_sigterm => 0,
            Self::Terminate => 143,
            Self::Interrupt => 130,
            Self::Asked => 0,
        }
    }

    /// For the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::Asked => "a request to /quitquitquit",
        }
    }
}

/// The signals that end a service. Make it early: from then on they do not kill the process.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// # Errors
    /// The system refuses to tell of signals.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The next one.
    pub async fn next(&mut self) -> Cause {
        tokio::select! {
            _ = self.terminate.recv() => Cause::Terminate,
            _ = self.interrupt.recv() => Cause::Interrupt,
        }
    }
}

/// How long a service takes to end, from when it was told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// It still takes clients for that long: whoever sends them here has not heard yet that it ends.
    pub least: Duration,
    /// Clients that it has may finish until then.
    pub most: Duration,
}

/// Leads a service that was told to end through its last stages. `hurry`: it was told again, and ends at once.
/// How many clients it has at the end, which are cut off.
pub async fn drain(
    life: &Life,
    connections: &Connections,
    delays: Delays,
    hurry: impl Future<Output = ()>,
) -> usize {
    let told = Instant::now();
    life.enter(Stage::Stopping);
    let patience = async {
        tokio::time::sleep_until(told + delays.least).await;
        life.enter(Stage::Draining);
        let _ = tokio::time::timeout_at(told + delays.most, connections.none_left()).await; // both are an end
    };
    tokio::select! {
        () = patience => (),
        () = hurry => (),
    }
    let left = connections.count(); // from here on they go by themselves
    life.enter(Stage::Ended);
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const SECOND: Duration = Duration::from_secs(1);

    /// The stages that a service with one client, which leaves after `stays`, goes through, and at which second.
    async fn stages(delays: Delays, stays: Duration, hurry: impl Future<Output = ()>) -> Vec<(Stage, u64)> {
        let (life, connections) = (Life::default(), Connections::at_most(None));
        let (start, client) = (Instant::now(), connections.admit().unwrap());
        let watched = async {
            let mut seen = Vec::new();
            for stage in [Stage::Stopping, Stage::Draining, Stage::Ended] {
                life.reached(stage).await;
                seen.push((life.stage(), start.elapsed().as_secs()));
            }
            seen
        };
        let leaves = async {
            tokio::time::sleep(stays).await;
            drop(client);
        };
        tokio::join!(watched, leaves, drain(&life, &connections, delays, hurry)).0
    }

    #[tokio::test(start_paused = true)]
    async fn it_takes_clients_for_a_while_and_waits_for_those_it_has() {
        let delays = Delays { least: 5 * SECOND, most: 60 * SECOND };
        let seen = stages(delays, 20 * SECOND, pending()).await;
        assert_eq!(seen, [(Stage::Stopping, 0), (Stage::Draining, 5), (Stage::Ended, 20)]);
        let seen = stages(delays, 100 * SECOND, pending()).await;
        assert_eq!(seen, [(Stage::Stopping, 0), (Stage::Draining, 5), (Stage::Ended, 60)]);
        let seen = stages(delays, SECOND, pending()).await;
        assert_eq!(
            seen,
            [(Stage::Stopping, 0), (Stage::Ended, 5), (Stage::Ended, 5)],
            "nobody is left by then"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_delays_it_ends_at_once_and_so_it_does_when_told_again() {
        let seen = stages(Delays::default(), 9 * SECOND, pending()).await;
        assert_eq!(seen.last(), Some(&(Stage::Ended, 0)));
        let delays = Delays { least: 5 * SECOND, most: 60 * SECOND };
        let seen = stages(delays, 100 * SECOND, tokio::time::sleep(2 * SECOND)).await;
        assert_eq!(seen, [(Stage::Stopping, 0), (Stage::Ended, 2), (Stage::Ended, 2)]);
    }

    #[test]
    fn exit_codes_are_those_of_shells() {
        let codes = [Cause::Terminate, Cause::Interrupt, Cause::Asked].map(|cause| cause.exit_code(false));
        assert_eq!(codes, [143, 130, 0]);
        assert_eq!((Cause::Terminate.exit_code(true), Cause::Interrupt.exit_code(true)), (0, 130));
    }
}
