//! The last requests of the token plane, to be looked at afterwards, without secrets.

use crate::scripts::faults::Fault;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use utoipa::ToSchema;

/// How many requests are kept: the last ones.
const MOST_RECORDS: usize = 1000;
/// How many letters are shown of a value that may be secret; never more than a quarter of them.
const MOST_LETTERS: usize = 8;

/// The parameters whose values are no secrets. What is in any other one is shortened.
const HARMLESS: [&str; 16] = [
    "api-version",
    "bypass_cache",
    "client_assertion_type",
    "client_id",
    "client_info",
    "clientid",
    "grant_type",
    "mi_res_id",
    "msi_res_id",
    "object_id",
    "principal_id",
    "resource",
    "scope",
    "serviceConnectionId",
    "tenant",
    "x-client-sku",
];

/// One request of the token plane.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RequestRecord {
    /// The first request that the emulator got has 1.
    pub number: u64,
    /// When it came, on the emulator's clock: `2026-01-31T12:00:00.000Z`.
    pub time: String,
    /// The name of the route, as faults are scripted for it.
    pub route: &'static str,
    /// The HTTP method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the query. Values that may be secret are shortened.
    pub query: BTreeMap<String, String>,
    /// The fields of the form. Values that may be secret are shortened.
    pub form: BTreeMap<String, String>,
    /// The status of the answer; null if there is none, or none yet.
    pub status: Option<u16>,
    /// The object id that got a token, or the subject of a federated one.
    pub identity: Option<String>,
    /// The client's `client-request-id`, or the emulator's own id, which is in its refusals too.
    pub correlation_id: String,
    /// What a script made of the answer, without headers and body.
    pub fault: Option<Fault>,
    /// Whether it was too many, by the limits of IMDS.
    pub limited: bool,
}

/// The last requests.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Requests {
    /// The oldest first.
    pub requests: Vec<RequestRecord>,
    /// How many there were since the start, also those of other routes and those that are forgotten.
    pub total: u64,
}

#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<Records>);

#[derive(Debug, Default)]
struct Records {
    total: u64,
    last: VecDeque<RequestRecord>,
}

impl RequestLog {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a request that has come; its number.
    pub(crate) fn add(&self, record: RequestRecord) -> u64 {
        let mut records = self.records();
        records.total += 1;
        let number = records.total;
        if records.last.len() == MOST_RECORDS {
            records.last.pop_front();
        }
        records.last.push_back(RequestRecord { number, ..record });
        number
    }

    /// Adds to a request's record, if it is still kept.
    pub(crate) fn update(&self, number: u64, change: impl FnOnce(&mut RequestRecord)) {
        let mut records = self.records();
        if let Ok(index) = records.last.binary_search_by_key(&number, |record| record.number)
            && let Some(record) = records.last.get_mut(index)
        {
            change(record);
        }
    }

    /// The requests of one route, or all.
    pub(crate) fn list(&self, route: Option<&str>) -> Requests {
        let records = self.records();
        let wanted = |record: &&RequestRecord| route.is_none_or(|route| record.route == route);
        Requests { requests: records.last.iter().filter(wanted).cloned().collect(), total: records.total }
    }

    pub(crate) fn clear(&self) {
        self.records().last.clear();
    }
}

/// `2026-01-31T12:00:00.000Z`
pub(crate) fn timestamp(since_epoch: Duration) -> String {
    humantime::format_rfc3339_millis(UNIX_EPOCH + since_epoch).to_string()
}

/// Parameters by name, without secrets. What is there more than once is joined by a comma.
pub(crate) fn parameters(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in pairs {
        let harmless = HARMLESS.iter().any(|known| known.eq_ignore_ascii_case(&name));
        let value = if harmless { without_tokens(value) } else { shortened(&value) };
        shown
            .entry(name)
            .and_modify(|before| {
                before.push_str(", ");
                before.push_str(&value);
            })
            .or_insert(value);
    }
    shown
}

/// A text that is no secret, unless there is a JWT in it: one in the wrong place is a secret all the same.
pub(crate) fn without_tokens(text: String) -> String {
    let has_one =
        text.find("eyJ").is_some_and(|at| text.get(at..).unwrap_or_default().matches('.').count() >= 2);
    if has_one { shortened(&text) } else { text }
}

/// The beginning of a text, and how long it is.
fn shortened(value: &str) -> String {
    let letters = value.chars().count();
    let beginning: String = value.chars().take(MOST_LETTERS.min(letters / 4)).collect();
    format!("{beginning}… ({letters} characters)")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(route: &'static str) -> RequestRecord {
        RequestRecord {
            number: 0,
            time: String::new(),
            route,
            method: "GET".into(),
            path: "/".into(),
            query: BTreeMap::new(),
            form: BTreeMap::new(),
            status: None,
            identity: None,
            correlation_id: String::new(),
            fault: None,
            limited: false,
        }
    }

    #[test]
    fn the_last_thousand_are_kept_with_the_numbers_that_they_have() {
        let log = RequestLog::default();
        for _ in 0..1500 {
            log.add(record("imds"));
        }
        assert_eq!(log.add(record("token")), 1501);
        log.update(1501, |record| record.status = Some(200));
        log.update(1, |record| record.status = Some(500));
        let all = log.list(None);
        assert_eq!((all.total, all.requests.len(), all.requests[0].number), (1501, 1000, 502));
        assert!(all.requests.iter().all(|record| record.status != Some(500)));
        let tokens = log.list(Some("token")).requests;
        assert_eq!((tokens.len(), tokens[0].status), (1, Some(200)));
        log.clear();
        assert_eq!((log.list(None).requests.len(), log.add(record("imds"))), (0, 1502));
    }

    #[test]
    fn values_that_may_be_secret_are_shortened_whatever_their_length() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let token = "eyJhbGciOi.eyJhdWQi.c2lnbmF0dXJl";
        let shown = parameters(vec![
            pair("resource", "https://redis.azure.com"),
            pair("client_id", "a"),
            pair("client_id", "b"),
            pair("client_secret", "a-secret-of-thirty-two-letters-x"),
            pair("client_assertion", "abcd"),
            pair("scope", token),
            pair("unknown", "hunter2"),
            pair("tenant", &format!("x {token}")),
        ]);
        assert_eq!(shown["resource"], "https://redis.azure.com");
        assert_eq!(shown["client_id"], "a, b");
        assert_eq!(shown["client_secret"], "a-secret… (32 characters)");
        assert_eq!(shown["client_assertion"], "a… (4 characters)");
        assert_eq!(shown["scope"], "eyJhbGci… (32 characters)");
        assert_eq!(shown["tenant"], "x eyJhbG… (34 characters)");
        assert_eq!(shown["unknown"], "h… (7 characters)");
    }
}
