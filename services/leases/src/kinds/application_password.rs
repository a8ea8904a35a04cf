//! A client secret of an application's for each lease. Entra ends it by itself at the lease's last moment.
//!
//! <https://learn.microsoft.com/graph/api/application-addpassword>

use super::{Found, Made, Operations, Removal, get, parsed, read_time, rfc3339, with_body};
use crate::api::types::Credential;
use crate::azure::Service::Graph;
use crate::lease::Lease;
use crate::names::display_prefix;
use crate::trouble::{Asked, Trouble};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Graph's answer. It has no `Debug`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Password {
    key_id: String,
    secret_text: Zeroizing<String>,
    end_date_time: String,
}

fn path(application_id: &str, tail: &str) -> String {
    format!("/v1.0/applications(appId='{application_id}'){tail}")
}

pub(super) async fn create(of: &Operations, lease: &Lease) -> Result<Made, Trouble> {
    let end = rfc3339(lease.max_expires_ms);
    let wanted = json!({"passwordCredential": {"displayName": lease.display_name, "endDateTime": end}});
    let call = with_body(Graph, "POST", path(&lease.target, "/addPassword"), &wanted);
    let answer = of.done(Asked::Application, call).await?;
    let made: Password = serde_json::from_slice(&answer.body)
        .map_err(|_| Trouble::odd("Microsoft Graph says that it made a secret, and does not show it"))?;
    let ends = read_time(&made.end_date_time);
    let ends = ends.filter(|ends| *ends <= lease.max_expires_ms);
    let ends =
        ends.ok_or_else(|| Trouble::odd("Microsoft Graph made a secret that ends later than it was told"))?;
    Ok(Made {
        credential: Credential::Application {
            tenant_id: of.plan.tenant_id.clone(),
            client_id: lease.target.clone(),
            client_secret: made.secret_text,
            secret_ends_at: ends / 1000,
        },
        key_id: Some(made.key_id),
        request_id: answer.request_id,
    })
}

/// The application's keys, without their secrets.
async fn keys(of: &Operations, application_id: &str) -> Result<Vec<Value>, Trouble> {
    let call = get(Graph, path(application_id, "?$select=passwordCredentials"));
    let answer = of.done(Asked::Application, call).await?;
    match parsed(&answer)["passwordCredentials"].take() {
        Value::Array(keys) => Ok(keys),
        _ => Err(Trouble::new("azure_odd", "Microsoft Graph's answer has no list of an application's keys.")),
    }
}

pub(super) async fn find(of: &Operations, lease: &Lease) -> Result<Option<String>, Trouble> {
    let keys = match keys(of, &lease.target).await {
        Err(trouble) if trouble.is_not_found => return Ok(None), // the application is gone, and its keys with it
        other => other?,
    };
    let ours = keys.iter().find(|key| key["displayName"] == lease.display_name.as_str());
    Ok(ours.and_then(|key| key["keyId"].as_str()).map(str::to_owned))
}

pub(super) async fn remove(of: &Operations, lease: &Lease) -> Result<Removal, Trouble> {
    let key = match &lease.key_id {
        Some(key) => Some(key.clone()),
        None => find(of, lease).await?,
    };
    let Some(key) = key else { return Ok(Removal::NotFound) };
    remove_key(of, &lease.target, &key).await
}

pub(super) async fn remove_key(of: &Operations, application_id: &str, key: &str) -> Result<Removal, Trouble> {
    let call = with_body(Graph, "POST", path(application_id, "/removePassword"), &json!({"keyId": key}));
    match of.done(Asked::Application, call).await {
        Ok(answer) => Ok(Removal::Gone(answer.request_id)),
        // "Not found" was seen of keys that were there.
        Err(trouble) if trouble.is_not_found => match keys(of, application_id).await {
            Ok(keys) if keys.iter().any(|one| one["keyId"] == key) => Ok(Removal::Pending(
                "Microsoft Graph says that there is no such key, and lists it".to_owned(),
            )),
            Ok(_) => Ok(Removal::NotFound),
            Err(trouble) if trouble.is_not_found => Ok(Removal::NotFound),
            Err(trouble) => Err(trouble),
        },
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn ours(of: &Operations, application_id: &str) -> Result<Vec<Found>, Trouble> {
    let prefix = display_prefix(&of.installation);
    let read = |key: &Value| {
        let name = key["displayName"].as_str().filter(|name| name.starts_with(&prefix))?;
        Some(Found {
            key_id: key["keyId"].as_str()?.to_owned(),
            display_name: name.to_owned(),
            since_ms: key["startDateTime"].as_str().and_then(read_time),
        })
    };
    Ok(keys(of, application_id).await?.iter().filter_map(read).collect())
}
