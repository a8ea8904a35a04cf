//! Answers that a test scripts for a route, given in order instead of the real ones.

use serde::Deserialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The routes that can be scripted, and by which requests are counted.
pub(crate) const ROUTES: [&str; 12] = [
    "imds",
    "app_service",
    "azure_ml",
    "arc",
    "cloud_shell",
    "service_fabric",
    "token",
    "discovery",
    "keys",
    "instance",
    "issuer",
    "pipelines",
];

/// One scripted answer. Without `status`, `hang` and `reset` the real answer follows, after the delay.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fault {
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    /// Sent as it is.
    pub(crate) body: String,
    pub(crate) delay_ms: u64,
    /// Never answers; the connection stays open.
    pub(crate) hang: bool,
    /// Closes the connection with a TCP reset.
    pub(crate) reset: bool,
    /// How many requests get this answer; 1 if not given.
    pub(crate) times: Option<u32>,
}

impl Fault {
    pub(crate) fn delay(&self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

/// What is sent to queue answers for a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    pub(crate) route: String,
    pub(crate) answers: Vec<Fault>,
}

/// The queues.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<BTreeMap<&'static str, VecDeque<Fault>>>);

impl Faults {
    fn queues(&self) -> MutexGuard<'_, BTreeMap<&'static str, VecDeque<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues all answers of a script behind those that wait already, or none and says why.
    pub(crate) fn add(&self, script: Script) -> Result<(), String> {
        let Some(route) = ROUTES.into_iter().find(|known| *known == script.route) else {
            return Err(format!("there is no route '{}'; there are {}", script.route, ROUTES.join(", ")));
        };
        script.answers.iter().try_for_each(check)?;
        self.queues().entry(route).or_default().extend(script.answers);
        Ok(())
    }

    /// The answer for a request that has come, if one was scripted.
    pub(crate) fn next(&self, route: &str) -> Option<Fault> {
        let mut queues = self.queues();
        let queue = queues.get_mut(route)?;
        let left = queue.front_mut()?.times.get_or_insert(1);
        if *left > 1 {
            *left -= 1;
            return queue.front().cloned();
        }
        queue.pop_front()
    }

    /// How many answers wait, for each route that has any.
    pub(crate) fn waiting(&self) -> BTreeMap<&'static str, u64> {
        let count =
            |queue: &VecDeque<Fault>| queue.iter().map(|fault| u64::from(fault.times.unwrap_or(1))).sum();
        let queues = self.queues();
        queues
            .iter()
            .map(|(route, queue)| (*route, count(queue)))
            .filter(|(_, waiting)| *waiting > 0)
            .collect()
    }

    pub(crate) fn clear(&self) {
        self.queues().clear();
    }
}

/// Whether the answer can be given at all: better said now than when a client waits for it.
fn check(fault: &Fault) -> Result<(), String> {
    use axum::http::{HeaderName, HeaderValue, StatusCode};
    if fault.hang && fault.reset {
        return Err("an answer cannot both hang and reset".to_owned());
    }
    if (fault.hang || fault.reset) && fault.status.is_some() {
        return Err("an answer that hangs or resets has no status".to_owned());
    }
    if fault.status.is_none() && !(fault.body.is_empty() && fault.headers.is_empty()) {
        return Err("an answer with a body or headers needs a status".to_owned());
    }
    if let Some(status) = fault.status
        && (StatusCode::from_u16(status).is_err() || status < 200)
    {
        return Err(format!("{status} is not a status that ends a request"));
    }
    if fault.times == Some(0) {
        return Err("times is 1 at least".to_owned());
    }
    for (name, value) in &fault.headers {
        let framing = ["content-length", "transfer-encoding", "connection"];
        if framing.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(format!("the header {name} is the server's own"));
        }
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            return Err(format!("{name} is not a header that can be sent"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Result<Script, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn answers_come_in_order_each_as_often_as_asked_and_for_their_route_only() {
        let faults = Faults::default();
        let text = r#"{"route": "imds", "answers": [{"status": 500, "times": 2}, {"delay_ms": 5}]}"#;
        faults.add(script(text).unwrap()).unwrap();
        faults.add(script(r#"{"route": "imds", "answers": [{"reset": true}]}"#).unwrap()).unwrap();
        assert_eq!(faults.waiting(), BTreeMap::from([("imds", 4)]));
        assert_eq!(faults.next("token"), None);
        let statuses: Vec<_> = (0..2).map(|_| faults.next("imds").unwrap().status).collect();
        assert_eq!(statuses, [Some(500), Some(500)]);
        assert_eq!(faults.next("imds").unwrap().delay(), Duration::from_millis(5));
        assert!(faults.next("imds").unwrap().reset);
        assert_eq!(faults.next("imds"), None);
        assert!(faults.waiting().is_empty());
    }

    #[test]
    fn what_cannot_be_answered_is_refused_whole() {
        let faults = Faults::default();
        let refused = |answer: &str| {
            let good = r#"{"status": 200}"#;
            let script = script(&format!(r#"{{"route": "token", "answers": [{good}, {answer}]}}"#)).unwrap();
            faults.add(script).unwrap_err()
        };
        assert!(refused(r#"{"status": 99}"#).contains("99"));
        assert!(refused(r#"{"status": 100}"#).contains("100"));
        assert!(refused(r#"{"hang": true, "reset": true}"#).contains("both"));
        assert!(refused(r#"{"hang": true, "status": 200}"#).contains("no status"));
        assert!(refused(r#"{"body": "x"}"#).contains("needs a status"));
        assert!(refused(r#"{"status": 200, "times": 0}"#).contains("at least"));
        assert!(refused(r#"{"status": 200, "headers": {"Content-Length": "9"}}"#).contains("Content-Length"));
        assert!(refused(r#"{"status": 200, "headers": {"a b": "c"}}"#).contains("a b"));
        assert!(faults.waiting().is_empty(), "the good one beside it was queued");
        assert!(script(r#"{"route": "token", "answers": [{"stauts": 200}]}"#).is_err());
        assert!(
            faults
                .add(script(r#"{"route": "tokens", "answers": []}"#).unwrap())
                .unwrap_err()
                .contains("imds")
        );
    }
}
