//! The faults that a test scripts for the Redis plane: they happen in order, instead of or before the real answer.

mod effect;

pub(super) use effect::Effect;

use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use utoipa::ToSchema;

/// At which point it happens.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Point)]
pub enum RedisFaultPoint {
    /// A connection has come; before TLS.
    Connect,
    /// AUTH, and HELLO with AUTH.
    Auth,
    /// Any other command.
    #[default]
    Command,
}

impl RedisFaultPoint {
    const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Auth => "auth",
            Self::Command => "command",
        }
    }
}

/// One scripted fault. Without `close`, `reset`, `stall` and `error` the real thing follows, after the delay.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedisFault {
    /// Where it happens.
    pub on: RedisFaultPoint,
    /// Only for this command.
    #[serde(default)]
    pub command: Option<String>,
    /// Waited before anything else.
    #[serde(default)]
    pub delay_ms: u64,
    /// Ends the connection.
    #[serde(default)]
    pub close: bool,
    /// Ends it with a TCP reset.
    #[serde(default)]
    pub reset: bool,
    /// Never answers again; the connection stays open until its token expires.
    #[serde(default)]
    pub stall: bool,
    /// Refuses an AUTH as one with a bad token is refused.
    #[serde(default)]
    pub refuse: bool,
    /// The text of an error that is answered, without the leading minus.
    #[serde(default)]
    pub error: Option<String>,
    /// How often; 1 if not given.
    #[serde(default)]
    pub times: Option<u32>,
}

impl RedisFault {
    pub(super) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }

    fn check(&self) -> Result<(), String> {
        let ends = [self.close, self.reset, self.stall, self.refuse, self.error.is_some()];
        if ends.into_iter().filter(|end| *end).count() > 1 {
            return Err("a fault does one of close, reset, stall, refuse and error".to_owned());
        }
        if self.refuse && self.on != RedisFaultPoint::Auth {
            return Err("only an AUTH can be refused; use error for a command".to_owned());
        }
        if self.on == RedisFaultPoint::Connect && (self.error.is_some() || self.command.is_some()) {
            return Err(
                "nothing was asked yet when a connection comes: it can be delayed, closed, reset or stalled"
                    .to_owned(),
            );
        }
        if self.error.as_ref().is_some_and(|text| text.is_empty() || text.contains(['\r', '\n'])) {
            return Err("an error is one line of text".to_owned());
        }
        if self.times == Some(0) {
            return Err("times is 1 at least".to_owned());
        }
        Ok(())
    }

    fn is_for(&self, point: RedisFaultPoint, command: &str) -> bool {
        self.on == point && self.command.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(command))
    }
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct RedisFaults {
    queue: Mutex<VecDeque<RedisFault>>,
    /// The queue's length: while it is 0, a command that is served takes no lock.
    waiting: AtomicUsize,
}

impl RedisFaults {
    fn queue(&self) -> MutexGuard<'_, VecDeque<RedisFault>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues all of them behind those that wait already, or none and says why.
    pub(crate) fn add(&self, faults: Vec<RedisFault>) -> Result<(), String> {
        faults.iter().try_for_each(RedisFault::check)?;
        let mut queue = self.queue();
        queue.extend(faults);
        self.waiting.store(queue.len(), Ordering::Relaxed);
        Ok(())
    }

    /// The first that is for this point, and this command.
    pub(super) fn next(&self, point: RedisFaultPoint, command: &str) -> Option<RedisFault> {
        if self.waiting.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut queue = self.queue();
        let index = queue.iter().position(|fault| fault.is_for(point, command))?;
        let fault = queue.get_mut(index)?;
        let left = fault.times.get_or_insert(1);
        if *left > 1 {
            *left -= 1;
            return Some(fault.clone());
        }
        let fault = queue.remove(index);
        self.waiting.store(queue.len(), Ordering::Relaxed);
        fault
    }

    /// How many wait at each point.
    pub(crate) fn waiting(&self) -> BTreeMap<&'static str, u64> {
        let mut waiting = BTreeMap::new();
        for fault in self.queue().iter() {
            *waiting.entry(fault.on.name()).or_default() += u64::from(fault.times.unwrap_or(1));
        }
        waiting
    }

    pub(crate) fn clear(&self) {
        self.queue().clear();
        self.waiting.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<(), String> {
        let faults = RedisFaults::default();
        faults.add(serde_json::from_str(text).map_err(|error| error.to_string())?)
    }

    #[test]
    fn each_waits_for_its_point_and_its_command() {
        let faults = RedisFaults::default();
        let text = r#"[{"on": "command", "command": "get", "error": "LOADING x", "times": 2}, {"on": "auth", "refuse": true},
                       {"on": "command", "delay_ms": 5}]"#;
        faults.add(serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(faults.waiting(), BTreeMap::from([("auth", 1), ("command", 3)]));
        assert_eq!(faults.next(RedisFaultPoint::Connect, ""), None);
        assert_eq!(faults.next(RedisFaultPoint::Command, "SET").unwrap().delay(), Duration::from_millis(5));
        assert!((0..2).all(|_| faults.next(RedisFaultPoint::Command, "GET").unwrap().error.is_some()));
        assert_eq!(faults.next(RedisFaultPoint::Command, "GET"), None);
        assert!(faults.next(RedisFaultPoint::Auth, "HELLO").unwrap().refuse);
        assert!(faults.waiting().is_empty() && faults.waiting.load(Ordering::Relaxed) == 0);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        for wrong in [
            r#"[{"on": "auth", "close": true, "stall": true}]"#,
            r#"[{"on": "command", "refuse": true}]"#,
            r#"[{"on": "connect", "error": "ERR x"}]"#,
            r#"[{"on": "command", "error": "ERR\r\n+OK"}]"#,
            r#"[{"on": "command", "times": 0}]"#,
            r#"[{"on": "nowhere"}]"#,
            r#"[{"on": "auth", "clsoe": true}]"#,
        ] {
            assert!(script(wrong).is_err(), "{wrong}");
        }
        assert_eq!(script(r#"[{"on": "connect", "reset": true}]"#), Ok(()));
    }
}
