//! Access policy assignments: looked at, made, polled, taken away.

use super::Request;
use super::answers::{Fault, list as listed};
use crate::arm::{Assignment, AssignmentError, LOCATION, ResourceManager, SUBSCRIPTION, State, Wanted};
use crate::redis::Family;
use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

/// The names of Azure Cache for Redis's own policies.
pub(super) const CLASSIC: [(&str, &str); 3] =
    [("Data Owner", "owner"), ("Data Contributor", "contributor"), ("Data Reader", "reader")];

pub(super) fn list(manager: &ResourceManager) -> Response {
    let all = manager.assignments.list(&manager.redis);
    listed(all.iter().map(|one| described(manager, one)).collect())
}

pub(super) async fn answer(request: &Request<'_>, name: &str, method: &Method) -> Result<Response, Fault> {
    let manager = request.manager;
    match *method {
        Method::GET => {
            let found = manager.assignments.get(&manager.redis, name).await;
            let found = found.ok_or_else(|| request.not_found())?;
            Ok(Json(described(manager, &found)).into_response())
        }
        Method::PUT => put(request, name),
        Method::DELETE => delete(request, name),
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}

fn put(request: &Request<'_>, name: &str) -> Result<Response, Fault> {
    let manager = request.manager;
    let is_name = (1..=60).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if manager.family() == Family::Amr && !is_name {
        let said = format!("The name '{name}' is not valid: it must match ^[A-Za-z0-9]{{1,60}}$.");
        return Err(Fault::new(400, "InvalidResourceName", said));
    }
    let body: Value = serde_json::from_slice(request.body).unwrap_or_default();
    let wanted = wanted(manager, &body["properties"]).ok_or_else(|| {
        Fault::new(400, "BadRequest", "The request content was invalid and could not be deserialized.")
    })?;
    let is_new = manager.assignments.put(manager, name, wanted).map_err(|error| refused(&error))?;
    let made = manager.assignments.list(&manager.redis).into_iter().find(|one| one.name == name);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(made.map(|made| described(manager, &made)))).into_response())
}

fn wanted(manager: &ResourceManager, properties: &Value) -> Option<Wanted> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let policy = text(&properties["accessPolicyName"])?;
    match manager.family() {
        Family::Amr if policy == "default" => {
            let access = text(&properties["accessString"]).unwrap_or(policy);
            Some(Wanted { object_id: text(&properties["user"]["objectId"])?, access, own: None })
        }
        Family::Amr => None,
        Family::Classic => {
            let known = CLASSIC.iter().find(|(name, _)| *name == policy);
            let object_id = text(&properties["objectId"])?;
            let (access, own) = match known {
                Some((_, access)) => ((*access).to_owned(), None),
                None => (manager.policies().remove(&policy)?, Some(policy)),
            };
            Some(Wanted { object_id, access, own })
        }
    }
}

fn refused(error: &AssignmentError) -> Fault {
    match error {
        AssignmentError::Taken(other) => {
            let said = format!(
                "The user is assigned already by '{other}': one assignment is allowed for each user."
            );
            Fault::new(400, "BadRequest", said)
        }
        AssignmentError::Busy => {
            let said = "The resource is busy with another operation. Please try again when it has finished.";
            Fault::new(409, "Conflict", said)
        }
    }
}

fn delete(request: &Request<'_>, name: &str) -> Result<Response, Fault> {
    let manager = request.manager;
    let deleted = manager.assignments.delete(manager, name).map_err(|error| refused(&error))?;
    let Some(operation) = deleted else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let link = format!(
        "{}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Cache/locations/{LOCATION}/operationsStatus/{operation}\
         ?api-version=2024-11-01",
        request.address
    );
    Ok((StatusCode::ACCEPTED, [("azure-asyncoperation", link.clone()), ("location", link)]).into_response())
}

fn described(manager: &ResourceManager, one: &Assignment) -> Value {
    let (state, error) = match &one.state {
        State::Creating(_) | State::CreatingFor(_) => ("Creating", None),
        State::DeletingFor(_) => ("Deleting", None),
        State::Succeeded => ("Succeeded", None),
        State::Failed(reason) => ("Failed", Some(json!({"code": "InvalidAccessString", "message": reason}))),
    };
    let (object_id, access) = (&one.wanted.object_id, one.wanted.access.as_str());
    let (of, mut properties) = match manager.family() {
        Family::Amr => (
            "/databases/default",
            json!({"accessPolicyName": "default", "user": {"objectId": object_id}, "accessString": access}),
        ),
        Family::Classic => {
            let known = CLASSIC.iter().find(|(_, mine)| *mine == access);
            let own = one.wanted.own.as_deref().unwrap_or("own");
            let policy = known.map_or(own, |(name, _)| *name);
            ("", json!({"accessPolicyName": policy, "objectId": object_id, "objectIdAlias": object_id}))
        }
    };
    properties["provisioningState"] = json!(state);
    if let Some(error) = error {
        properties["provisioningError"] = error;
    }
    let id = format!("{}{of}/accessPolicyAssignments/{}", manager.cache_id(), one.name);
    json!({"id": id, "name": one.name, "properties": properties})
}
