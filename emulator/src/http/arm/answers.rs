//! What Azure Resource Manager says of the subscription, the cache, roles and metrics.

use crate::arm::{LOCATION, ResourceManager, SUBSCRIPTION};
use crate::redis::Family;
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;

/// A refusal: status, code, sentence.
pub(super) struct Fault {
    status: u16,
    code: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }
}

pub(super) fn fault(fault: &Fault) -> Response {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({"error": {"code": fault.code, "message": fault.message}}))).into_response()
}

pub(super) fn list(values: Vec<Value>) -> Response {
    Json(json!({"value": values})).into_response()
}

pub(super) fn subscriptions(has_role: bool) -> Response {
    let ours = json!({
        "id": format!("/subscriptions/{SUBSCRIPTION}"),
        "subscriptionId": SUBSCRIPTION,
        "displayName": "Emulated",
        "state": "Enabled",
    });
    list(has_role.then_some(ours).into_iter().collect())
}

pub(super) fn caches(manager: &ResourceManager, is_ours: bool) -> Response {
    list(is_ours.then(|| described(manager)).into_iter().collect())
}

pub(super) fn cache(manager: &ResourceManager) -> Response {
    Json(described(manager)).into_response()
}

fn described(manager: &ResourceManager) -> Value {
    let (family, redis) = (manager.family(), &manager.redis);
    let (kind, properties) = match family {
        Family::Amr => (
            "Microsoft.Cache/redisEnterprise",
            json!({
                "provisioningState": "Succeeded",
                "hostName": family.host_name(),
                "publicNetworkAccess": "Enabled",
                "privateEndpointConnections": [],
            }),
        ),
        Family::Classic => (
            "Microsoft.Cache/Redis",
            json!({
                "provisioningState": "Succeeded",
                "hostName": family.host_name(),
                "port": 6379,
                "sslPort": 6380,
                "enableNonSslPort": redis.has_plain_port(),
                // A text, as the service has it.
                "redisConfiguration": {"aad-enabled": if redis.takes_tokens() { "true" } else { "false" }},
                "disableAccessKeyAuthentication": !redis.takes_keys(),
                "linkedServers": linked(manager, "linkedServers/partner"),
                "publicNetworkAccess": "Enabled",
            }),
        ),
    };
    let id = manager.cache_id();
    json!({"id": id, "name": "emulated", "type": kind, "location": LOCATION, "properties": properties})
}

fn linked(manager: &ResourceManager, of: &str) -> Vec<Value> {
    let id = manager.cache_id();
    manager.cache().is_linked.then(|| json!({"id": format!("{id}/{of}")})).into_iter().collect()
}

pub(super) fn database(manager: &ResourceManager) -> Response {
    let keys = if manager.redis.takes_keys() { "Enabled" } else { "Disabled" };
    let id = format!("{}/databases/default", manager.cache_id());
    let mut databases = linked(manager, "databases/partner");
    if !databases.is_empty() {
        databases.push(json!({"id": id}));
    }
    let properties = json!({
        "provisioningState": "Succeeded",
        "clientProtocol": "Encrypted",
        "port": 10_000,
        "accessKeysAuthentication": keys,
        "geoReplication": {"linkedDatabases": databases},
    });
    let body = json!({
        "id": id,
        "name": "default",
        "type": "Microsoft.Cache/redisEnterprise/databases",
        "properties": properties,
    });
    Json(body).into_response()
}

/// `filter` is `principalId eq '…'`.
pub(super) fn roles(manager: &ResourceManager, filter: &str) -> Response {
    let principal = filter.split('\'').nth(1).unwrap_or_default();
    let of = |role: String| json!({"properties": {"principalId": principal, "roleDefinitionId": role}});
    list(manager.role(principal).map(of).into_iter().collect())
}

/// One value, of now. Azure Managed Redis has no metric of clients with a token.
pub(super) fn metrics(manager: &ResourceManager, names: &str) -> Result<Response, Fault> {
    const WITH_TOKEN: &str = "ConnectedClientsUsingAADToken";
    let (all, with_token) = manager.connected();
    let now = humantime::format_rfc3339_seconds(UNIX_EPOCH + manager.tenant.now()).to_string();
    let mut metrics = Vec::new();
    for name in names.split(',') {
        let value = match (name.to_ascii_lowercase().as_str(), manager.family()) {
            ("connectedclients", _) => all,
            ("connectedclientsusingaadtoken", Family::Classic) => with_token,
            _ => {
                let valid = match manager.family() {
                    Family::Classic => format!("connectedclients,{WITH_TOKEN}"),
                    Family::Amr => "connectedclients".to_owned(),
                };
                let said = format!(
                    "Failed to find metric configuration for provider: Microsoft.Cache, metric: {name}, Valid metrics: \
                     {valid}"
                );
                return Err(Fault::new(400, "BadRequest", said));
            }
        };
        let data = json!([{"timeStamp": now, "maximum": f64::from(value)}]);
        metrics.push(json!({
            "name": {"value": name},
            "unit": "Count",
            "timeseries": [{"metadatavalues": [], "data": data}],
        }));
    }
    Ok(list(metrics))
}

pub(super) fn operation(name: &str, is_done: bool) -> Response {
    let status = if is_done { "Succeeded" } else { "InProgress" };
    Json(json!({"name": name, "status": status})).into_response()
}
