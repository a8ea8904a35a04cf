//! An access policy assignment for each lease: no password, and whoever gets it signs in as ever.
//!
//! <https://learn.microsoft.com/rest/api/redis/redisenterprisecache/access-policy-assignment>,
//! <https://learn.microsoft.com/rest/api/redis/redis/access-policy-assignment>

use super::{Found, Made, Operations, Removal, get, parsed, with_body};
use crate::api::types::Credential;
use crate::azure::Service::Manager;
use crate::azure::{Cache, Call, SignIn};
use crate::lease::Lease;
use crate::names::{assignment_name, assignment_prefix};
use crate::plan::What;
use crate::trouble::{Asked, Trouble};
use serde_json::{Value, json};
use std::time::Duration;

/// How often it is looked whether Azure has finished, and how many times within one step.
const LOOK: Duration = Duration::from_secs(1);
const LOOKS: usize = 20;
/// A list that has more pages is not read to its end.
const MOST_PAGES: usize = 50;

struct Place {
    assignments: String,
    version: String,
}

impl Place {
    fn of(of: &Operations) -> Result<(Self, Cache), Trouble> {
        let What::RedisAccess { cache, api_version, .. } = &of.plan.what else {
            return Err(Trouble::new("internal", "This is no access to a cache. Please report it."));
        };
        let cache = Cache::of_id(cache).map_err(|what| Trouble::new("internal", what))?;
        let version = api_version.clone().unwrap_or_else(|| cache.api_version().to_owned());
        Ok((Self { assignments: cache.assignments(), version }, cache))
    }

    /// Where a lease was made: the configuration may name another cache by now.
    fn of_lease(of: &Operations, lease: &Lease) -> Result<(Self, Cache), Trouble> {
        let (configured, cache) = Self::of(of)?;
        let id = lease.target.split('|').next().unwrap_or_default();
        if cache.id.eq_ignore_ascii_case(id) {
            return Ok((configured, cache)); // spelt as Azure spells it
        }
        let cache = Cache::of_id(id).map_err(|what| Trouble::new("internal", what))?;
        Ok((Self { assignments: cache.assignments(), version: cache.api_version().to_owned() }, cache))
    }

    fn one(&self, name: &str) -> String {
        format!("{}/{name}?api-version={}", self.assignments, self.version)
    }

    fn all(&self) -> String {
        format!("{}?api-version={}", self.assignments, self.version)
    }
}

fn object_id(lease: &Lease) -> &str {
    lease.target.rsplit('|').next().unwrap_or_default()
}

/// By the name that the lease was made with: the installation may be called otherwise by now.
fn name(lease: &Lease) -> String {
    lease.key_id.clone().unwrap_or_else(|| assignment_name(&lease.display_name))
}

async fn list(of: &Operations, place: &Place) -> Result<Vec<Value>, Trouble> {
    let (mut all, mut next) = (Vec::new(), Some(place.all()));
    for _ in 0..MOST_PAGES {
        let Some(path) = next.take() else { return Ok(all) };
        let mut page = parsed(&of.done(Asked::Assignment, get(Manager, path)).await?);
        match page["value"].take() {
            Value::Array(mut values) => all.append(&mut values),
            _ => {
                return Err(Trouble::new(
                    "azure_odd",
                    "Azure Resource Manager's list of assignments is none.",
                ));
            }
        }
        next = page["nextLink"].as_str().map(str::to_owned);
    }
    Err(Trouble::new("azure_odd", "Azure Resource Manager's list of assignments has no end."))
}

pub(super) async fn create(of: &Operations, lease: &Lease) -> Result<Made, Trouble> {
    let (place, cache) = Place::of_lease(of, lease)?;
    let What::RedisAccess { policy, access_string, .. } = &of.plan.what else {
        return Err(Trouble::new("internal", "This is no access to a cache. Please report it."));
    };
    let (name, user) = (name(lease), object_id(lease));
    let is_users = |one: &&Value| {
        let id =
            one["properties"]["user"]["objectId"].as_str().or_else(|| one["properties"]["objectId"].as_str());
        id.is_some_and(|id| id.eq_ignore_ascii_case(user)) && one["name"] != name.as_str()
    };
    let listed = list(of, &place).await.map_err(|trouble| Trouble { may_be_done: false, ..trouble })?;
    if let Some(other) = listed.iter().find(is_users) {
        let other = other["name"].as_str().unwrap_or_default();
        if other.starts_with(&assignment_prefix(&of.installation)) {
            let what = format!(
                "{user} has the access policy assignment \"{other}\" on this cache, which is this installation's, of a lease \
                 that has not ended or that is not known any more: entrakey leases reap --dry-run says which."
            );
            return Err(Trouble::new("foreign_assignment", what));
        }
        return Err(Trouble::new(
            "foreign_assignment",
            format!(
                "{user} has the access policy assignment \"{other}\" on this cache, which is not this service's: there can be \
                 one only, and that one is neither changed nor removed. Remove it if leases are to take its place."
            ),
        ));
    }
    let mut properties = match cache.is_managed {
        true => json!({"accessPolicyName": policy, "user": {"objectId": user}}),
        false => json!({"accessPolicyName": policy, "objectId": user, "objectIdAlias": lease.id}),
    };
    if let (Some(text), Some(map)) = (access_string, properties.as_object_mut()) {
        map.insert("accessString".to_owned(), json!(text));
    }
    let call = with_body(Manager, "PUT", place.one(&name), &json!({"properties": properties}));
    let answer = of.done(Asked::Assignment, call).await?;
    Ok(Made {
        credential: Credential::Access {
            object_id: user.to_owned(),
            cache: cache.id,
            access_policy: policy.clone(),
        },
        key_id: Some(name),
        request_id: answer.request_id,
    })
}

pub(super) async fn is_usable(of: &Operations, lease: &Lease) -> Result<SignIn, Trouble> {
    let (place, _) = Place::of_lease(of, lease)?;
    let answer = match of.done(Asked::Assignment, get(Manager, place.one(&name(lease)))).await {
        Err(trouble) if trouble.is_not_found => return Ok(SignIn::NotYet),
        other => other?,
    };
    let body = parsed(&answer);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match body["properties"]["provisioningState"].as_str() {
        Some("Succeeded") => Ok(SignIn::Taken),
        Some(state @ ("Failed" | "Canceled")) => {
            let error = &body["properties"]["provisioningError"];
            let why = format!("{} {}", word(&error["code"]), word(&error["message"]));
            let message = format!(
                "Azure could not make the access policy assignment ({state}): {}. Look at access-policy and access-string.",
                why.trim()
            );
            Err(Trouble::new("azure_refused", message))
        }
        _ => Ok(SignIn::NotYet),
    }
}

pub(super) async fn find(of: &Operations, lease: &Lease) -> Result<Option<String>, Trouble> {
    let (place, _) = Place::of_lease(of, lease)?;
    let name = name(lease);
    match of.done(Asked::Assignment, get(Manager, place.one(&name))).await {
        Ok(_) => Ok(Some(name)),
        Err(trouble) if trouble.is_not_found => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn remove(of: &Operations, lease: &Lease) -> Result<Removal, Trouble> {
    let (place, _) = Place::of_lease(of, lease)?;
    delete(of, &place, &name(lease)).await
}

/// One of the configuration's cache.
pub(super) async fn remove_name(of: &Operations, name: &str) -> Result<Removal, Trouble> {
    let (place, _) = Place::of(of)?;
    delete(of, &place, name).await
}

async fn delete(of: &Operations, place: &Place, name: &str) -> Result<Removal, Trouble> {
    let call = Call { service: Manager, method: "DELETE", path: place.one(name), body: None };
    let answer = of.send(call).await?;
    let is_taken = matches!(answer.status, 200 | 202);
    match answer.status {
        200 | 202 | 204 | 404 | 409 => {}
        _ => return Err(Trouble::refused(Asked::Assignment, &answer)),
    }
    for _ in 0..LOOKS {
        match of.done(Asked::Assignment, get(Manager, place.one(name))).await {
            Err(trouble) if trouble.is_not_found && is_taken => return Ok(Removal::Gone(answer.request_id)),
            Err(trouble) if trouble.is_not_found => return Ok(Removal::NotFound),
            Err(trouble) => return Err(trouble),
            Ok(_) if !is_taken => break,
            Ok(_) => tokio::time::sleep(LOOK).await,
        }
    }
    Ok(Removal::Pending("Azure Resource Manager has not finished removing the assignment".to_owned()))
}

pub(super) async fn ours(of: &Operations) -> Result<Vec<Found>, Trouble> {
    let (place, _) = Place::of(of)?;
    let prefix = assignment_prefix(&of.installation);
    let read = |one: &Value| {
        let name = one["name"].as_str().filter(|name| name.starts_with(&prefix))?;
        Some(Found { key_id: name.to_owned(), display_name: name.to_owned(), since_ms: None })
    };
    Ok(list(of, &place).await?.iter().filter_map(read).collect())
}
