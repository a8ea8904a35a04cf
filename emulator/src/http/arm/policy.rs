//! Access policies of a classic cache's own, beside those that every cache has.

use super::Request;
use super::answers::{Fault, list as listed};
use super::assignment::CLASSIC;
use crate::arm::ResourceManager;
use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

pub(super) fn list(manager: &ResourceManager) -> Response {
    let builtin = CLASSIC.iter().map(|(name, rules)| described(manager, name, rules));
    let own = manager.policies();
    listed(builtin.chain(own.iter().map(|(name, rules)| described(manager, name, rules))).collect())
}

pub(super) fn answer(request: &Request<'_>, name: &str, method: &Method) -> Result<Response, Fault> {
    let manager = request.manager;
    match *method {
        Method::GET => {
            let rules = manager.policies().remove(name).ok_or_else(|| request.not_found())?;
            Ok(Json(described(manager, name, &rules)).into_response())
        }
        Method::PUT => {
            let body: Value = serde_json::from_slice(request.body).unwrap_or_default();
            let rules = body["properties"]["permissions"].as_str().filter(|rules| !rules.is_empty());
            let rules = rules.filter(|_| !is_builtin(name)).ok_or_else(|| {
                let said = "The request content was invalid and could not be deserialized.";
                Fault::new(400, "BadRequest", said)
            })?;
            let status = if manager.set_policy(name, rules) { StatusCode::CREATED } else { StatusCode::OK };
            Ok((status, Json(described(manager, name, rules))).into_response())
        }
        Method::DELETE if manager.remove_policy(name) => Ok(StatusCode::OK.into_response()),
        Method::DELETE => Ok(StatusCode::NO_CONTENT.into_response()),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

fn is_builtin(name: &str) -> bool {
    CLASSIC.iter().any(|(builtin, _)| *builtin == name)
}

fn described(manager: &ResourceManager, name: &str, rules: &str) -> Value {
    let kind = if is_builtin(name) { "BuiltIn" } else { "Custom" };
    let id = format!("{}/accessPolicies/{name}", manager.cache_id());
    let properties = json!({"type": kind, "permissions": rules, "provisioningState": "Succeeded"});
    json!({"id": id, "name": name, "properties": properties})
}
