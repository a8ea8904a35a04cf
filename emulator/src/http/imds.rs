//! The instance metadata service's token endpoint.
//!
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use super::{Shared, uuid};
use crate::identities::{IDENTITIES, Identity, Kind};
use crate::tokens;
use crate::world::World;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

type Answer = (StatusCode, Json<Value>);

pub(super) async fn token(
    State(world): Shared,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Answer {
    let asked = match check(&headers, &parameters) {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&world, refusal),
    };
    let Some(identity) = find(&asked) else {
        return refuse(&world, (StatusCode::BAD_REQUEST, "invalid_request", "Identity not found".to_owned()));
    };
    let claims = tokens::for_managed_identity(&world, identity, asked.resource);
    let Some(access_token) = world.signing_key.sign(&claims) else {
        let said = "Failed to retrieve token from the Active directory. For details see logs".to_owned();
        return refuse(&world, (StatusCode::INTERNAL_SERVER_ERROR, "unknown", said));
    };
    world.stats.token_issued(identity.object_id);
    world.log.note(format_args!("managed identity token for {}", identity.object_id));
    let lifetime = (claims.exp - claims.iat).to_string();
    // Every field is a string, the numbers too.
    let body = json!({
        "access_token": access_token,
        "client_id": identity.client_id,
        "expires_in": lifetime,
        "expires_on": claims.exp.to_string(),
        "ext_expires_in": lifetime,
        "not_before": claims.nbf.to_string(),
        "refresh_token": "",
        "resource": asked.resource,
        "token_type": "Bearer",
    });
    (StatusCode::OK, Json(body))
}

type Refusal = (StatusCode, &'static str, String);

fn refuse(world: &World, (status, error, description): Refusal) -> Answer {
    world.stats.token_refused(error.to_owned());
    world.log.note(format_args!("managed identity request refused: {description}"));
    (status, Json(json!({"error": error, "error_description": description, "correlation_id": uuid()})))
}

/// What a well-formed request asks for.
struct Asked<'a> {
    resource: &'a str,
    /// The parameter that chooses a user-assigned identity, and its value.
    chosen: Option<(&'a str, &'a str)>,
}

fn check<'a>(headers: &HeaderMap, parameters: &'a [(String, String)]) -> Result<Asked<'a>, Refusal> {
    let bad = |error, said: &str| (StatusCode::BAD_REQUEST, error, said.to_owned());
    let metadata = headers.get("metadata").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !metadata.eq_ignore_ascii_case("true") {
        return Err(bad("bad_request_102", "Required metadata header not specified"));
    }
    if headers.contains_key("x-forwarded-for") {
        return Err(bad("bad_request_103", "X-Forwarded-For header is not allowed"));
    }
    let value = |name: &str| -> Result<Option<&'a str>, Refusal> {
        let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            Some(_) => Err(bad("invalid_request", &format!("Parameter {name} is specified more than once"))),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    };
    if value("api-version")?.is_none() {
        let said = "api-version is invalid or was not specified in the request. For more information refer to \
                    https://aka.ms/azureimds";
        return Err(bad("Bad request", said));
    }
    let resource = value("resource")?.ok_or_else(|| {
        bad("invalid_resource", "AADSTS50001: The application named is missing: no resource")
    })?;
    let mut chosen = Vec::new();
    for name in ["client_id", "object_id", "msi_res_id", "mi_res_id"] {
        chosen.extend(value(name)?.map(|value| (name, value)));
    }
    match chosen.as_slice() {
        [] => Ok(Asked { resource, chosen: None }),
        [one] => Ok(Asked { resource, chosen: Some(*one) }),
        _ => Err(bad("invalid_request", "More than one of client_id, object_id and msi_res_id is specified")),
    }
}

fn find(asked: &Asked<'_>) -> Option<&'static Identity> {
    let Some((parameter, value)) = asked.chosen else {
        return IDENTITIES.iter().find(|identity| matches!(identity.kind, Kind::SystemAssigned { .. }));
    };
    IDENTITIES.iter().filter(|identity| identity.resource_id().is_some()).find(|identity| match parameter {
        "client_id" => identity.client_id.eq_ignore_ascii_case(value),
        "object_id" => identity.object_id.eq_ignore_ascii_case(value),
        _ => identity.resource_id().is_some_and(|id| id.eq_ignore_ascii_case(value)),
    })
}
