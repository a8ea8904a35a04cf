//! Answers that a test scripts for a route, given in order instead of the real ones.

mod fault;
mod routes;

pub use fault::{Fault, Truncate};
pub(crate) use routes::ROUTES;

use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use utoipa::ToSchema;

/// Answers for a route, given in order instead of the real ones.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// The name of the route.
    pub(crate) route: String,
    /// The new answers come behind those that wait already.
    pub(crate) answers: Vec<Fault>,
}

/// The scripted answers that wait.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FaultQueues {
    /// How many answers wait, for each route that has any.
    pub waiting: BTreeMap<String, u64>,
    /// The routes that can be scripted.
    pub routes: Vec<&'static str>,
}

/// The queues.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<BTreeMap<&'static str, VecDeque<Fault>>>);

impl Faults {
    fn queues(&self) -> MutexGuard<'_, BTreeMap<&'static str, VecDeque<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues all answers of a script behind those that wait already, or none and says why.
    pub(crate) fn add(&self, script: Script) -> Result<(), Error> {
        let Some(route) = ROUTES.into_iter().find(|known| *known == script.route) else {
            let known = ROUTES.join(", ");
            return Err(Error::new(format!("there is no route '{}'; there are {known}", script.route)));
        };
        script.answers.iter().try_for_each(|answer| answer.check(route)).map_err(Error::new)?;
        self.queues().entry(route).or_default().extend(script.answers);
        Ok(())
    }

    /// The answer for a request that has come, if one was scripted. One about a token waits for a request that is
    /// for one.
    pub(crate) fn next(&self, route: &str, for_token: bool) -> Option<Fault> {
        let mut queues = self.queues();
        let queue = queues.get_mut(route)?;
        let front = queue.front_mut()?;
        if front.is_about_tokens() && !for_token {
            return None;
        }
        let left = front.times.get_or_insert(1);
        if *left > 1 {
            *left -= 1;
            return queue.front().cloned();
        }
        queue.pop_front()
    }

    /// How many answers wait, for each route that has any.
    pub(crate) fn waiting(&self) -> FaultQueues {
        let count =
            |queue: &VecDeque<Fault>| queue.iter().map(|fault| u64::from(fault.times.unwrap_or(1))).sum();
        let queues = self.queues();
        let waiting = queues.iter().map(|(route, queue)| ((*route).to_owned(), count(queue)));
        FaultQueues {
            waiting: waiting.filter(|(_, waiting)| *waiting > 0).collect(),
            routes: ROUTES.to_vec(),
        }
    }

    pub(crate) fn clear(&self) {
        self.queues().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn script(text: &str) -> Result<Script, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn answers_come_in_order_each_as_often_as_asked_and_for_their_route_only() {
        let faults = Faults::default();
        let next = |route| faults.next(route, true);
        let text = r#"{"route": "imds", "answers": [{"status": 500, "times": 2}, {"delay_ms": 5}]}"#;
        faults.add(script(text).unwrap()).unwrap();
        faults.add(script(r#"{"route": "imds", "answers": [{"reset": true}]}"#).unwrap()).unwrap();
        assert_eq!(faults.waiting().waiting, BTreeMap::from([("imds".to_owned(), 4)]));
        assert_eq!(next("token"), None);
        let statuses: Vec<_> = (0..2).map(|_| next("imds").unwrap().status).collect();
        assert_eq!(statuses, [Some(500), Some(500)]);
        assert_eq!(next("imds").unwrap().delay(), Duration::from_millis(5));
        assert!(next("imds").unwrap().reset);
        assert_eq!(next("imds"), None);
        assert!(faults.waiting().waiting.is_empty());
    }

    #[test]
    fn one_about_a_token_waits_for_a_request_that_is_for_one() {
        let faults = Faults::default();
        let text = r#"{"route": "arc", "answers": [{"token": "expired"}, {"delay_ms": 5}]}"#;
        faults.add(script(text).unwrap()).unwrap();
        assert_eq!(faults.next("arc", false), None);
        assert_eq!(faults.next("arc", true).unwrap().token, Some(crate::TokenFault::Expired));
        assert_eq!(faults.next("arc", false).unwrap().delay_ms, 5);
    }

    /// The refusal of an answer for the route.
    fn refused(route: &str, answer: &str) -> String {
        let faults = Faults::default();
        let good = r#"{"status": 200}"#;
        let script = script(&format!(r#"{{"route": "{route}", "answers": [{good}, {answer}]}}"#)).unwrap();
        let refusal = faults.add(script).unwrap_err().to_string();
        assert!(faults.waiting().waiting.is_empty(), "the good one beside {answer} was queued");
        refusal
    }

    #[test]
    fn what_cannot_be_answered_is_refused_whole() {
        for (answer, says) in [
            (r#"{"status": 99}"#, "99"),
            (r#"{"status": 100}"#, "100"),
            (r#"{"hang": true, "reset": true}"#, "both"),
            (r#"{"hang": true, "status": 200}"#, "no status"),
            (r#"{"body": "x"}"#, "needs a status"),
            (r#"{"status": 200, "times": 0}"#, "at least"),
            (r#"{"status": 200, "headers": {"Content-Length": "9"}}"#, "Content-Length"),
            (r#"{"status": 200, "headers": {"a b": "c"}}"#, "a b"),
        ] {
            let refusal = refused("token", answer);
            assert!(refusal.contains(says), "{answer}: {refusal}");
        }
        assert!(script(r#"{"route": "token", "answers": [{"stauts": 200}]}"#).is_err());
        let unknown = script(r#"{"route": "tokens", "answers": []}"#).unwrap();
        assert!(Faults::default().add(unknown).unwrap_err().to_string().contains("imds"));
    }

    #[test]
    fn what_contradicts_itself_is_refused_whole() {
        for (route, answer, says) in [
            ("imds", r#"{"token": "expired", "status": 200}"#, "replace it"),
            ("imds", r#"{"lifetime_seconds": 5, "garbage": true}"#, "replace it"),
            ("imds", r#"{"numbers_as_strings": true, "status": 200, "body": "{}"}"#, "replace it"),
            ("imds", r#"{"numbers_as_strings": true, "strings_as_numbers": true}"#, "choose one"),
            ("imds", r#"{"token": "cached", "lifetime_seconds": 5}"#, "already"),
            ("imds", r#"{"token": "expired", "lifetime_seconds": 5}"#, "already"),
            ("imds", r#"{"lifetime_seconds": 0}"#, "1 at least"),
            ("imds", r#"{"garbage": true, "truncate": true}"#, "cut short"),
            ("imds", r#"{"garbage": true, "status": 200, "body": "x"}"#, "of its own"),
            ("imds", r#"{"reset": true, "truncate": 3}"#, "nothing else"),
            ("imds", r#"{"hang": true, "token": "no_oid"}"#, "nothing else"),
            ("discovery", r#"{"token": "expired"}"#, "hands out no token"),
            ("pipelines", r#"{"token": "no_oid"}"#, "no object id"),
        ] {
            let refusal = refused(route, answer);
            assert!(refusal.contains(says), "{answer}: {refusal}");
        }
        let unknown = script(r#"{"route": "imds", "answers": [{"token": "stale"}]}"#).unwrap_err();
        assert!(unknown.to_string().contains("cached"), "{unknown}");
        let odd = script(r#"{"route": "imds", "answers": [{"truncate": "much"}]}"#).unwrap_err();
        assert!(odd.to_string().contains("how many bytes"), "{odd}");
    }

    #[test]
    fn a_body_is_cut_in_half_or_where_it_is_said() {
        let cut = |truncate| Fault { truncate, ..Fault::default() }.cut(9);
        assert_eq!(cut(None), None);
        assert_eq!(cut(Some(Truncate::Half(false))), None);
        assert_eq!(cut(Some(Truncate::Half(true))), Some(4));
        assert_eq!(cut(Some(Truncate::Bytes(0))), Some(0));
        assert_eq!(cut(Some(Truncate::Bytes(100))), Some(9));
    }
}
