//! Entra's v2.0 token endpoint: the client credentials grant, with a secret, a certificate or an outside token, and
//! that of a user's password.
//!
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>,
//! <https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc>

mod assertion;
mod certificate;
mod federated;
mod password;
mod refusal;
mod scope;

pub(super) use refusal::Refusal;

use super::exchange::{Exchange, InExchange};
use crate::graph::SecretError;
use crate::identities::{Application, Identity};
use crate::tenant::Tenant;
use crate::tokens::{self, Claims, Proof};
use axum::Json;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The hosts of the public cloud, of China and of the US Government.
const CLOUDS: [&str; 3] =
    ["login.microsoftonline.com", "login.partner.microsoftonline.cn", "login.microsoftonline.us"];

/// Entra as the client named it: by the emulator's address, or by a cloud's name that leads here.
pub(super) fn asked_authority(tenant: &Tenant, headers: &HeaderMap) -> String {
    let host = headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    match CLOUDS.contains(&name) || name == "localhost" {
        true => format!("https://{host}"),
        false => tenant.authority.clone(),
    }
}

pub(super) async fn token(
    State(tenant): State<Arc<Tenant>>,
    exchange: InExchange,
    Path(tenant_id): Path<String>,
    headers: HeaderMap,
    Form(parameters): Form<BTreeMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let authority = asked_authority(&tenant, &headers);
    let request = Request { tenant: &tenant, exchange: &exchange, authority, tenant_id, parameters };
    match request.issue() {
        Ok(body) => (StatusCode::OK, Json(body)),
        Err(refusal) => refusal.answer(&tenant, &exchange),
    }
}

struct Request<'a> {
    tenant: &'a Tenant,
    exchange: &'a Exchange,
    authority: String,
    /// As the client named the tenant.
    tenant_id: String,
    parameters: BTreeMap<String, String>,
}

impl Request<'_> {
    fn issue(&self) -> Result<Value, Refusal> {
        let (identity, claims) = self.check()?;
        let minted = self.exchange.mint(self.tenant, identity, claims).ok_or_else(|| {
            let sentence = "A transient error has occurred. Please try again.";
            Refusal::new(503, "temporarily_unavailable", 90_033, sentence)
        })?;
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": minted.expires_in,
            "ext_expires_in": minted.expires_in,
            "access_token": minted.access_token,
        }))
    }

    fn optional(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn parameter(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name).ok_or_else(|| {
            let sentence = format!("The request body must contain the following parameter: '{name}'.");
            Refusal::new(400, "invalid_request", 900_144, sentence)
        })
    }

    /// Whose token it is to be, and what it says.
    fn check(&self) -> Result<(&Identity, Claims), Refusal> {
        if !self.tenant_id.eq_ignore_ascii_case(&self.tenant.directory.tenant_id) {
            return Err(Refusal::unknown_tenant("invalid_request", &self.tenant_id));
        }
        let by_password = match self.parameter("grant_type")? {
            "client_credentials" => false,
            "password" => true,
            _ => {
                let sentence = "The app requested an unsupported grant type.";
                return Err(Refusal::new(400, "unsupported_grant_type", 70_003, sentence));
            }
        };
        let client_id = self.parameter("client_id")?;
        let audience = scope::audience(self.parameter("scope")?, client_id)?;
        let (identity, application) = self.application(client_id)?;
        if by_password {
            return self.user(identity, application, audience);
        }
        let proof = self.authenticate(client_id, application)?;
        Ok((identity, self.tenant.issuance().for_application(identity, audience, proof)))
    }

    fn application(&self, client_id: &str) -> Result<(&Identity, &Application), Refusal> {
        let mut applications = self.tenant.directory.applications();
        let found = applications.find(|(identity, _)| identity.client_id.eq_ignore_ascii_case(client_id));
        let (identity, application) = found.ok_or_else(|| {
            let sentence = format!(
                "Application with identifier '{client_id}' was not found in the directory 'Emulated'. This can \
                 happen if the application has not been installed by the administrator of the tenant or consented \
                 to by any user in the tenant. You may have sent your authentication request to the wrong tenant."
            );
            Refusal::new(400, "unauthorized_client", 700_016, sentence)
        })?;
        if application.disabled {
            let sentence = format!("Application '{client_id}'(Emulated) is disabled.");
            return Err(Refusal::new(400, "unauthorized_client", 7_000_112, sentence));
        }
        Ok((identity, application))
    }

    fn authenticate(&self, client_id: &str, application: &Application) -> Result<Proof, Refusal> {
        match (self.optional("client_secret"), self.optional("client_assertion")) {
            (Some(secret), _) => self.check_secret(client_id, secret).map(|()| tokens::SECRET),
            (None, Some(assertion)) => self.check_assertion(client_id, application, assertion),
            (None, None) => {
                let sentence = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
                Err(Refusal::client(7_000_218, sentence))
            }
        }
    }

    fn check_secret(&self, client_id: &str, secret: &str) -> Result<(), Refusal> {
        let Err(reason) = self.tenant.graph.check_secret(client_id, secret, self.tenant.now()) else {
            return Ok(());
        };
        if reason == SecretError::Unknown {
            let sentence = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                 value, not the client secret ID, for a secret added to app '{client_id}'."
            );
            return Err(Refusal::client(7_000_215, sentence));
        }
        let sentence = format!(
            "The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal to create new \
             keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added \
             security: https://aka.ms/certCreds."
        );
        Err(Refusal::client(7_000_222, sentence))
    }

    fn check_assertion(
        &self,
        client_id: &str,
        application: &Application,
        assertion: &str,
    ) -> Result<Proof, Refusal> {
        const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        if self.parameter("client_assertion_type")? != TYPE {
            let sentence = "The 'client_assertion_type' is not supported.";
            return Err(Refusal::new(400, "invalid_request", 900_023, sentence));
        }
        let assertion = assertion::Assertion::parse(assertion)?;
        let now = self.tenant.now();
        // An application that speaks for itself signs with its certificate; any other issuer speaks about it.
        if assertion.text("iss").eq_ignore_ascii_case(client_id) {
            let endpoint = |authority: &str| format!("{authority}/{}/oauth2/v2.0/token", self.tenant_id);
            let audiences = [endpoint(&self.authority), endpoint(&self.tenant.authority)];
            certificate::check(&assertion, client_id, application, &audiences, now)?;
        } else {
            federated::check(&assertion, application, self.tenant, now)?;
        }
        Ok(tokens::CERTIFICATE)
    }
}
