//! Users, and new passwords for them.

use super::answers::{Fault, selected};
use super::asked::Key;
use super::page::page;
use super::{Request, parameter};
use crate::graph::Users;
use crate::identities::{Identity, User};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

fn described((identity, user): (&Identity, &User)) -> Value {
    json!({
        "id": identity.object_id,
        "displayName": identity.name,
        "userPrincipalName": user.principal_name,
        "mail": null,
        "accountEnabled": true,
    })
}

fn find<'a>(request: &'a Request<'_>, key: &Key) -> Result<(&'a Identity, &'a User), Fault> {
    let (Key::Id(asked) | Key::AppId(asked)) = key;
    let same = |(identity, user): &(&Identity, &User)| {
        identity.object_id.eq_ignore_ascii_case(asked) || user.principal_name.eq_ignore_ascii_case(asked)
    };
    request.tenant.directory.users().find(same).ok_or_else(|| Fault::no_object(asked))
}

pub(super) fn list(request: &Request<'_>) -> Result<Response, Fault> {
    if !request.grant.may_read_users() {
        return Err(Fault::denied());
    }
    page(request, request.tenant.directory.users().map(described).collect())
}

pub(super) fn get(request: &Request<'_>, key: &Key) -> Result<Response, Fault> {
    if !request.grant.may_read_users() {
        return Err(Fault::denied());
    }
    let user = described(find(request, key)?);
    Ok(Json(selected(user, parameter(request.query, "$select"))).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    password_profile: Profile,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    password: String,
    #[serde(default = "yes")]
    force_change_password_next_sign_in: bool,
}

/// Graph's own default.
fn yes() -> bool {
    true
}

pub(super) fn change(request: &Request<'_>, key: &Key) -> Result<Response, Fault> {
    if !request.grant.may_reset_password(false) {
        return Err(Fault::denied());
    }
    let (identity, user) = find(request, key)?;
    if !request.grant.may_reset_password(user.is_admin) {
        return Err(Fault::denied());
    }
    // The reason is not told: it may contain the password.
    let Change { password_profile: profile } = serde_json::from_slice(request.body)
        .map_err(|_| Fault::bad_request("Request_BadRequest", "Unable to read JSON request payload."))?;
    if !Users::is_complex(&profile.password) {
        let said = "The specified password does not comply with password complexity requirements. Please provide a \
                    different password.";
        return Err(Fault::bad_request("Request_BadRequest", said));
    }
    let (graph, must_change) = (&request.tenant.graph, profile.force_change_password_next_sign_in);
    graph.set_user_password(&identity.object_id, &profile.password, must_change, request.tenant.now());
    request.exchange.note(format_args!("graph: a new password for {}", identity.name));
    Ok(StatusCode::NO_CONTENT.into_response())
}
