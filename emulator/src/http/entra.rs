//! Entra's v2.0 token endpoint: the client credentials grant with a secret.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::{Shared, uuid};
use crate::identities::{IDENTITIES, Identity, Kind, TENANT_ID};
use crate::tokens;
use crate::world::World;
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

type Parameters = BTreeMap<String, String>;

/// The resources that exist, by the scope that asks for them.
const RESOURCES: [&str; 2] = ["https://redis.azure.com", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"];

pub(super) async fn token(
    State(world): Shared,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(parameters): Form<Parameters>,
) -> (StatusCode, Json<Value>) {
    let (identity, audience) = match check(&tenant, &parameters) {
        Ok(checked) => checked,
        Err(refusal) => return refuse(&world, &headers, &refusal),
    };
    let claims = tokens::for_application(&world, identity, audience);
    let Some(access_token) = world.signing_key.sign(&claims) else {
        let said = "A transient error has occurred. Please try again.".to_owned();
        return refuse(&world, &headers, &Refusal::new(503, "temporarily_unavailable", 90033, said));
    };
    world.stats.token_issued(identity.object_id);
    world.log.note(format_args!("service principal token for {}", identity.object_id));
    let lifetime = claims.exp - claims.iat;
    let body = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": access_token,
    });
    (StatusCode::OK, Json(body))
}

/// A refusal: status, OAuth's word, the AADSTS number, Entra's sentence.
struct Refusal {
    status: u16,
    error: &'static str,
    code: u32,
    sentence: String,
}

impl Refusal {
    fn new(status: u16, error: &'static str, code: u32, sentence: impl Into<String>) -> Self {
        Self { status, error, code, sentence: sentence.into() }
    }
}

fn check(tenant: &str, parameters: &Parameters) -> Result<(&'static Identity, &'static str), Refusal> {
    let parameter = |name: &str| {
        parameters.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            let sentence = format!("The request body must contain the following parameter: '{name}'.");
            Refusal::new(400, "invalid_request", 900_144, sentence)
        })
    };
    if !tenant.eq_ignore_ascii_case(TENANT_ID) {
        let sentence = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into \
             the correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        return Err(Refusal::new(400, "invalid_request", 90_002, sentence));
    }
    if parameter("grant_type")? != "client_credentials" {
        let sentence = "The app requested an unsupported grant type.";
        return Err(Refusal::new(400, "unsupported_grant_type", 70_003, sentence));
    }
    let client_id = parameter("client_id")?;
    let audience = audience(parameter("scope")?, client_id)?;
    let found = IDENTITIES.iter().find_map(|identity| match identity.kind {
        Kind::Application { secret } if identity.client_id.eq_ignore_ascii_case(client_id) => {
            Some((identity, secret))
        }
        _ => None,
    });
    let Some((identity, secret)) = found else {
        let sentence = format!(
            "Application with identifier '{client_id}' was not found in the directory 'Emulated'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user \
             in the tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(Refusal::new(400, "unauthorized_client", 700_016, sentence));
    };
    if parameter("client_secret")? != secret {
        let sentence = format!(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, \
             not the client secret ID, for a secret added to app '{client_id}'."
        );
        return Err(Refusal::new(401, "invalid_client", 7_000_215, sentence));
    }
    Ok((identity, audience))
}

fn audience(scope: &str, client_id: &str) -> Result<&'static str, Refusal> {
    if scope.contains(' ') {
        let sentence = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope '{scope}' is not valid."
        );
        return Err(Refusal::new(400, "invalid_scope", 70_011, sentence));
    }
    let Some(resource) = scope.strip_suffix("/.default") else {
        let sentence = format!(
            "The provided value for scope {scope} is not valid. Client credential flows must have a scope value with \
             /.default suffixed to the resource identifier (application ID URI)."
        );
        return Err(Refusal::new(400, "invalid_scope", 1_002_012, sentence));
    };
    RESOURCES.into_iter().find(|known| known.eq_ignore_ascii_case(resource.trim_end_matches('/'))).ok_or_else(|| {
        let sentence = format!(
            "The resource principal named {resource} was not found in the tenant named Emulated. This can happen if \
             the application with client id {client_id} has sent its request to the wrong tenant."
        );
        Refusal::new(400, "invalid_resource", 500_011, sentence)
    })
}

fn refuse(world: &World, headers: &HeaderMap, refusal: &Refusal) -> (StatusCode, Json<Value>) {
    let Refusal { status, error, code, sentence } = refusal;
    world.stats.token_refused(code.to_string());
    world.log.note(format_args!("token request refused: AADSTS{code}"));
    let trace_id = uuid();
    let asked = headers.get("client-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let correlation_id = asked.unwrap_or_else(uuid);
    let timestamp = timestamp(world.now());
    let description = format!(
        "AADSTS{code}: {sentence} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
    );
    let body = json!({
        "error": error,
        "error_description": description,
        "error_codes": [code],
        "timestamp": timestamp,
        "trace_id": trace_id,
        "correlation_id": correlation_id,
        "error_uri": format!("{}/error?code={code}", world.authority),
    });
    (StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_REQUEST), Json(body))
}

/// `2026-01-31 12:00:00Z`, as Entra writes it.
fn timestamp(since_epoch: Duration) -> String {
    let text = humantime::format_rfc3339_seconds(UNIX_EPOCH + since_epoch).to_string();
    text.replace('T', " ")
}
