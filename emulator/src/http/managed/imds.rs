//! The instance metadata service's token endpoint.
//!
//! <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use super::super::exchange::{Exchange, InExchange};
use super::super::resources;
use super::{Answer, ChoiceError, Names, Parameters, Repeated, choice, header, value};
use crate::identities::{Choice, LookupError};
use crate::tenant::Tenant;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::sync::Arc;

pub(in crate::http) async fn token(
    State(tenant): State<Arc<Tenant>>,
    exchange: InExchange,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Answer {
    match check(&headers, &parameters) {
        Ok(request) => answer(&tenant, &exchange, &request),
        Err(refusal) => refuse(&exchange, refusal),
    }
}

/// What a well-formed request asks for.
pub(super) struct ImdsRequest<'a> {
    pub(super) resource: &'a str,
    pub(super) choice: Choice<'a>,
}

pub(super) fn answer(tenant: &Tenant, exchange: &Exchange, request: &ImdsRequest<'_>) -> Answer {
    let identity = match tenant.directory.managed(request.choice) {
        Ok(identity) => identity,
        Err(error) => {
            let description = match error {
                LookupError::NotFound => "Identity not found",
                LookupError::Several => {
                    "Multiple user assigned identities exist, please specify the clientId / resourceId of the \
                     identity in the token request"
                }
            };
            return refuse(exchange, bad("invalid_request", description));
        }
    };
    if resources::known(request.resource).is_none() {
        let description = resources::unknown_to(identity, request.resource);
        return refuse(exchange, bad("invalid_resource", &description));
    }
    let Some(minted) = exchange.mint_for(tenant, identity, request.resource) else {
        let description =
            "Failed to retrieve token from the Active directory. For details see logs".to_owned();
        return refuse(exchange, (StatusCode::INTERNAL_SERVER_ERROR, "unknown", description));
    };
    let (claims, lifetime) = (&minted.claims, minted.expires_in.to_string());
    // Every field is a string, the numbers too.
    let body = json!({
        "access_token": minted.access_token,
        "client_id": identity.client_id,
        "expires_in": lifetime,
        "expires_on": claims.exp.to_string(),
        "ext_expires_in": lifetime,
        "not_before": claims.nbf.to_string(),
        "refresh_token": "",
        "resource": request.resource,
        "token_type": "Bearer",
    });
    (StatusCode::OK, Json(body))
}

pub(super) type Refusal = (StatusCode, &'static str, String);

pub(super) fn bad(error: &'static str, description: &str) -> Refusal {
    (StatusCode::BAD_REQUEST, error, description.to_owned())
}

pub(super) fn refuse(exchange: &Exchange, (status, error, description): Refusal) -> Answer {
    exchange.refused(error.to_owned(), format_args!("managed identity request refused: {description:?}"));
    (
        status,
        Json(
            json!({"error": error, "error_description": description, "correlation_id": exchange.correlation_id}),
        ),
    )
}

/// More than the limits of a virtual machine allow. Only the status is documented.
pub(in crate::http) fn too_many() -> Response {
    let body = json!({
        "error": "too_many_requests",
        "error_description": "Too many requests: 20 a second and 5 at a time are answered",
    });
    (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "1")], Json(body)).into_response()
}

pub(super) fn check<'a>(headers: &HeaderMap, parameters: &'a Parameters) -> Result<ImdsRequest<'a>, Refusal> {
    if !header(headers, "metadata").eq_ignore_ascii_case("true") {
        return Err(bad("bad_request_102", "Required metadata header not specified"));
    }
    if headers.contains_key("x-forwarded-for") {
        return Err(bad("bad_request_103", "X-Forwarded-For header is not allowed"));
    }
    let repeated = |Repeated(name): Repeated<'_>| {
        bad("invalid_request", &format!("Parameter {name} is specified more than once"))
    };
    if value(parameters, "api-version").map_err(repeated)?.is_none() {
        let description = "api-version is invalid or was not specified in the request. For more information refer to \
                    https://aka.ms/azureimds";
        return Err(bad("Bad request", description));
    }
    let resource = value(parameters, "resource").map_err(repeated)?.ok_or_else(|| {
        bad("invalid_resource", "AADSTS50001: The application named is missing: no resource")
    })?;
    let names =
        Names { client: &["client_id"], object: &["object_id"], resource: &["msi_res_id", "mi_res_id"] };
    let choice = choice(parameters, &names).map_err(|error| match error {
        ChoiceError::Repeated(name) => repeated(name),
        ChoiceError::Several => {
            bad("invalid_request", "More than one of client_id, object_id and msi_res_id is specified")
        }
    })?;
    Ok(ImdsRequest { resource, choice })
}
