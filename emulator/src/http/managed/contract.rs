//! What the endpoints of App Service and of Azure Machine Learning have in common.

use super::super::exchange::Exchange;
use super::super::resources;
use super::{Answer, ChoiceError, Names, Parameters, Repeated, choice, note_refusal, value};
use crate::identities::Choice;
use crate::tenant::Tenant;
use axum::Json;
use axum::http::StatusCode;
use serde_json::{Value, json};

/// Where the two differ.
pub(super) struct Contract {
    pub(super) version: &'static str,
    pub(super) names: Names,
    pub(super) endpoint: &'static str,
    /// A request that names no identity gets the signed-in user's token, if there is a user.
    pub(super) as_user: bool,
}

type Refusal = (StatusCode, String);

impl Contract {
    /// The token, or why there is none. `admitted` says whether the request has the endpoint's secret.
    pub(super) fn answer(
        &self,
        tenant: &Tenant,
        exchange: &Exchange,
        admitted: bool,
        parameters: &Parameters,
    ) -> Answer {
        match self.body(tenant, exchange, admitted, parameters) {
            Ok(body) => (StatusCode::OK, Json(body)),
            Err((status, message)) => {
                note_refusal(exchange, self.endpoint, status, &message);
                (status, Json(json!({"statusCode": status.as_u16(), "message": message})))
            }
        }
    }

    /// The token, with `expires_on` as text and no `expires_in`.
    fn body(
        &self,
        tenant: &Tenant,
        exchange: &Exchange,
        admitted: bool,
        parameters: &Parameters,
    ) -> Result<Value, Refusal> {
        let bad = |message: &str| (StatusCode::BAD_REQUEST, message.to_owned());
        let repeated =
            |Repeated(name): Repeated<'_>| bad(&format!("The parameter {name} is given more than once."));
        if !admitted {
            return Err((
                StatusCode::UNAUTHORIZED,
                "The secret of the endpoint is missing or wrong.".to_owned(),
            ));
        }
        if value(parameters, "api-version").map_err(repeated)? != Some(self.version) {
            return Err(bad(&format!("Unsupported api-version. This endpoint has {}.", self.version)));
        }
        let resource = value(parameters, "resource").map_err(repeated)?;
        let resource = resource.ok_or_else(|| bad("The parameter resource is missing."))?;
        let choice = choice(parameters, &self.names).map_err(|error| match error {
            ChoiceError::Repeated(name) => repeated(name),
            ChoiceError::Several => bad("Only one of the identity's ids can be given."),
        })?;
        let failed = || {
            let message = "An unexpected error occurred while fetching the AAD Token.";
            (StatusCode::INTERNAL_SERVER_ERROR, message.to_owned())
        };
        if resources::known(resource).is_none() {
            return Err(failed()); // a vague 500, as users have reported it
        }
        let user = tenant.directory.user().filter(|_| self.as_user && matches!(choice, Choice::Default));
        let (identity, claims) = match user {
            Some(user) => (user, tenant.issuance().for_user(user, resource)),
            None => {
                let identity = tenant.directory.managed(choice).map_err(|_| {
                    bad("No User Assigned or Delegated Managed Identity found for specified \
                         ClientId/ResourceId/PrincipalId.")
                })?;
                (identity, tenant.issuance().for_managed_identity(identity, resource))
            }
        };
        let minted = exchange.mint(tenant, identity, claims).ok_or_else(failed)?;
        Ok(json!({
            "access_token": minted.access_token,
            "client_id": identity.client_id,
            "expires_on": minted.claims.exp.to_string(),
            "resource": resource,
            "token_type": "Bearer",
        }))
    }
}
