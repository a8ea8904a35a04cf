//! An Azure of a few lines: keys of one application, assignments of one cache, passwords of two users. It loses requests and
//! answers, throttles, lags, and denies what is there.

use super::now_ms;
use crate::azure::{Answer, Azure, Call, SignIn, Unanswered};
use fastrand::Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;
use zeroize::Zeroizing;

pub(super) const CACHE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Cache/redisEnterprise/c";
/// Somebody who has an assignment that is not ours.
pub(super) const FOREIGN: &str = "oid-3";
const USERS: &str = "/v1.0/users/";

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) display_name: String,
    pub(super) secret: String,
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
    /// From when on Entra takes it, reads show it, and it can be removed.
    taken_ms: i64,
    shown_ms: i64,
    found_ms: i64,
}

#[derive(Clone, Debug)]
pub(super) struct Assignment {
    pub(super) object_id: String,
    ready_ms: i64,
    gone_ms: Option<i64>,
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) assignments: BTreeMap<String, Assignment>,
    /// By object id.
    pub(super) passwords: BTreeMap<String, String>,
    /// Object ids of users, by what they sign in as.
    pub(super) users: BTreeMap<String, String>,
    pub(super) all_secrets: Vec<String>,
    pub(super) all_keys: Vec<Key>,
    rng: Rng,
    /// Of a hundred requests so many go wrong.
    trouble: u8,
    /// How long things take to be known everywhere.
    lag_ms: i64,
    number: u64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let foreign = Key {
            display_name: "somebody else's".to_owned(),
            secret: "foreign".to_owned(),
            start_ms: 0,
            end_ms: i64::MAX,
            taken_ms: 0,
            shown_ms: 0,
            found_ms: 0,
        };
        let of_another = Assignment { object_id: FOREIGN.to_owned(), ready_ms: 0, gone_ms: None };
        Self {
            keys: BTreeMap::from([("foreign-key".to_owned(), foreign)]),
            assignments: BTreeMap::from([("foreign".to_owned(), of_another)]),
            passwords: BTreeMap::new(),
            users: ["ada", "grace"].map(|name| (name.to_owned(), format!("oid-of-{name}"))).into(),
            all_secrets: Vec::new(),
            all_keys: Vec::new(),
            trouble: *rng.choice(&[0, 5, 30]).unwrap(),
            lag_ms: *rng.choice(&[0, 3000, 18_000]).unwrap(),
            rng,
            number: 0,
        }
    }

    /// From now on it works.
    pub(super) fn calm(&mut self) {
        self.trouble = 0;
    }

    fn later(&mut self) -> i64 {
        now_ms() + if self.lag_ms == 0 { 0 } else { self.rng.i64(..self.lag_ms) }
    }

    fn name(&mut self) -> String {
        self.number += 1;
        format!("{}-{:08x}", self.number, self.rng.u32(..))
    }

    fn answer(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let path = path.split('?').next().unwrap_or_default();
        self.assignments.retain(|_, one| one.gone_ms.is_none_or(|gone| gone > now_ms()));
        match (method, path) {
            ("POST", "/v1.0/applications(appId='app')/addPassword") => self.add(&body["passwordCredential"]),
            ("POST", "/v1.0/applications(appId='app')/removePassword") => {
                let id = body["keyId"].as_str().unwrap();
                match self.keys.get(id).is_some_and(|key| key.found_ms <= now_ms()) {
                    true => {
                        self.keys.remove(id);
                        (204, Value::Null)
                    }
                    false => {
                        let message = format!("No password credential found with keyId {id}.");
                        (400, json!({"error": {"code": "Request_BadRequest", "message": message}}))
                    }
                }
            }
            ("GET", "/v1.0/applications(appId='app')") => {
                let shown = self.keys.iter().filter(|(_, key)| key.shown_ms <= now_ms()).map(|(id, key)| {
                    let start = crate::manager::shown(key.start_ms);
                    json!({"keyId": id, "displayName": key.display_name, "startDateTime": start})
                });
                (200, json!({"passwordCredentials": shown.collect::<Vec<_>>()}))
            }
            ("GET", path) if path.starts_with(USERS) => match self.user(path) {
                Some((id, name)) => (200, json!({"id": id, "userPrincipalName": name})),
                None => (404, Value::Null),
            },
            ("PATCH", path) => {
                let Some((user, _)) = self.user(path) else { return (404, Value::Null) };
                let password = body["passwordProfile"]["password"].as_str().unwrap().to_owned();
                self.all_secrets.push(password.clone());
                self.passwords.insert(user, password);
                (204, Value::Null)
            }
            (method, path) if path.to_lowercase().starts_with(&CACHE.to_lowercase()) => {
                let name =
                    path.split("/accessPolicyAssignments").nth(1).unwrap().trim_start_matches('/').to_owned();
                self.assign(method, &name, body)
            }
            // Another cache, at which there is nothing.
            ("GET", path) if path.ends_with("/accessPolicyAssignments") => (200, json!({"value": []})),
            ("GET" | "DELETE", path) if path.contains("/accessPolicyAssignments/") => (404, Value::Null),
            ("GET", _) => (200, json!({"id": "x"})),
            other => panic!("{other:?}"),
        }
    }

    /// Object id and name of a user that is asked for by either.
    fn user(&self, path: &str) -> Option<(String, String)> {
        let asked = path.strip_prefix(USERS)?;
        let found = self.users.iter().find(|(name, id)| *name == asked || *id == asked);
        found.map(|(name, id)| (id.clone(), name.clone()))
    }

    fn add(&mut self, wanted: &Value) -> (u16, Value) {
        let end = wanted["endDateTime"].as_str().unwrap();
        let end_ms =
            humantime::parse_rfc3339(end).unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let unknown_ms = self.later();
        let (id, secret) = (self.name(), format!("secret-{}", self.name()));
        let key = Key {
            display_name: wanted["displayName"].as_str().unwrap().to_owned(),
            secret: secret.clone(),
            start_ms: now_ms(),
            end_ms: i64::try_from(end_ms).unwrap(),
            taken_ms: self.later(),
            shown_ms: unknown_ms,
            found_ms: unknown_ms,
        };
        self.all_secrets.push(secret.clone());
        self.all_keys.push(key.clone());
        self.keys.insert(id.clone(), key);
        (200, json!({"keyId": id, "secretText": secret, "endDateTime": end}))
    }

    fn assign(&mut self, method: &str, name: &str, body: &Value) -> (u16, Value) {
        let gone = json!({"error": {"code": "ResourceNotFound", "message": "no"}});
        let shown = |name: &str, one: &Assignment| {
            let state = if one.gone_ms.is_some() {
                "Deleting"
            } else if one.ready_ms <= now_ms() {
                "Succeeded"
            } else {
                "Creating"
            };
            json!({"name": name, "properties": {"provisioningState": state, "user": {"objectId": one.object_id}}})
        };
        match method {
            "GET" if name.is_empty() => {
                let all: Vec<_> = self.assignments.iter().map(|(name, one)| shown(name, one)).collect();
                (200, json!({"value": all}))
            }
            "GET" => self.assignments.get(name).map_or((404, gone), |one| (200, shown(name, one))),
            "PUT" => {
                let object_id = body["properties"]["user"]["objectId"].as_str().unwrap().to_owned();
                assert!(
                    !self.assignments.values().any(|one| one.object_id == object_id),
                    "one is overwritten"
                );
                let one = Assignment { object_id, ready_ms: self.later(), gone_ms: None };
                let answer = shown(name, &one);
                self.assignments.insert(name.to_owned(), one);
                (201, answer)
            }
            _ => {
                let later = self.later();
                match self.assignments.get_mut(name) {
                    None => (204, Value::Null),
                    Some(one) if one.gone_ms.is_some() => (409, Value::Null),
                    Some(one) => {
                        one.gone_ms = Some(later);
                        (202, Value::Null)
                    }
                }
            }
        }
    }
}

/// What becomes of a request.
enum Fate {
    Answered,
    LostBefore,
    LostAfter,
    FailsAfter,
    Throttled,
    Unsent,
}

pub(super) struct Simulated(pub(super) Arc<Mutex<World>>);

#[async_trait::async_trait]
impl Azure for Simulated {
    async fn call(&self, call: Call) -> Result<Answer, Unanswered> {
        let (fate, before, after) = {
            let mut world = self.0.lock().unwrap();
            let is_bad = world.rng.u8(..100) < world.trouble;
            let fate = match (is_bad, world.rng.u8(..5)) {
                (false, _) => Fate::Answered,
                (_, 0) => Fate::LostBefore,
                (_, 1) => Fate::LostAfter,
                (_, 2) => Fate::FailsAfter,
                (_, 3) => Fate::Throttled,
                _ => Fate::Unsent,
            };
            (fate, world.rng.u64(1..900), world.rng.u64(1..900))
        };
        let lost = |is_unsent| Unanswered { message: "lost.".to_owned(), is_unsent, retry_after: None };
        sleep(Duration::from_millis(before)).await;
        let body = call.body.as_ref().map(|body| serde_json::from_slice(body).unwrap()).unwrap_or_default();
        let (status, said) = match fate {
            Fate::LostBefore => return Err(lost(false)),
            Fate::Unsent => return Err(lost(true)),
            Fate::Throttled => (429, Value::Null),
            _ => self.0.lock().unwrap().answer(call.method, &call.path, &body),
        };
        sleep(Duration::from_millis(after)).await;
        let status = match fate {
            Fate::LostAfter => return Err(lost(false)),
            Fate::FailsAfter => 503,
            _ => status,
        };
        Ok(Answer {
            status,
            body: Zeroizing::new(said.to_string().into_bytes()),
            retry_after: (status == 429).then(|| Duration::from_secs(7)),
            date_ms: Some(now_ms() / 1000 * 1000 + 500),
            request_id: Some("r".to_owned()),
        })
    }

    async fn sign_in(&self, _application: &str, secret: &Zeroizing<String>, _scope: &str) -> SignIn {
        sleep(Duration::from_millis(100)).await;
        let world = self.0.lock().unwrap();
        let is_taken = |key: &Key| key.secret == secret.as_str() && key.taken_ms <= now_ms();
        if world.keys.values().any(is_taken) { SignIn::Taken } else { SignIn::NotYet }
    }
}
