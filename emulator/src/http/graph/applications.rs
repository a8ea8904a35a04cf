//! Applications, their service principals, and the passwords of either.

use super::answers::{Fault, moment, selected};
use super::asked::{Key, Set};
use super::page::page;
use super::{Request, parameter};
use crate::graph::{AddError, Holder, Password, Wanted};
use crate::identities::{Application, Identity};
use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};

type Found<'a> = (&'a Identity, &'a Application);

fn holder(set: Set) -> Holder {
    if set == Set::Applications { Holder::Application } else { Holder::ServicePrincipal }
}

fn object_id<'a>(set: Set, (identity, application): Found<'a>) -> &'a str {
    if set == Set::Applications { &application.object_id } else { &identity.object_id }
}

fn find<'a>(request: &'a Request<'_>, set: Set, key: &Key) -> Result<Found<'a>, Fault> {
    let (asked, found) = match key {
        Key::Id(id) => {
            let same = |one: &Found<'_>| object_id(set, *one).eq_ignore_ascii_case(id);
            (id, request.tenant.directory.applications().find(same))
        }
        Key::AppId(id) => {
            let same = |(identity, _): &Found<'_>| identity.client_id.eq_ignore_ascii_case(id);
            (id, request.tenant.directory.applications().find(same))
        }
    };
    found.ok_or_else(|| Fault::no_object(asked))
}

fn described(request: &Request<'_>, set: Set, found: Found<'_>) -> Value {
    let identity = found.0;
    let passwords = request.tenant.graph.passwords(&identity.client_id, holder(set), request.tenant.now());
    let mut object = json!({
        "id": object_id(set, found),
        "appId": identity.client_id,
        "displayName": identity.name,
        "passwordCredentials": passwords.iter().map(credential).collect::<Vec<_>>(),
    });
    match set {
        Set::Applications => object["signInAudience"] = "AzureADMyOrg".into(),
        _ => object["accountEnabled"] = (!found.1.disabled).into(),
    }
    object
}

/// As it is read: the secret is shown when it is made, and never again.
fn credential(password: &Password) -> Value {
    json!({
        "customKeyIdentifier": null,
        "displayName": password.display_name,
        "endDateTime": moment(password.shown_end()),
        "hint": password.value.get(..3),
        "keyId": password.key_id,
        "secretText": null,
        "startDateTime": moment(password.start),
    })
}

pub(super) fn list(request: &Request<'_>, set: Set) -> Result<Response, Fault> {
    if !request.grant.may_read_applications() {
        return Err(Fault::denied());
    }
    let all = request.tenant.directory.applications();
    page(request, all.map(|found| described(request, set, found)).collect())
}

pub(super) fn get(request: &Request<'_>, set: Set, key: &Key) -> Result<Response, Fault> {
    if !request.grant.may_read_applications() {
        return Err(Fault::denied());
    }
    let object = described(request, set, find(request, set, key)?);
    Ok(Json(selected(object, parameter(request.query, "$select"))).into_response())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Added {
    password_credential: Asked,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Asked {
    display_name: Option<String>,
    start_date_time: Option<String>,
    end_date_time: Option<String>,
}

fn parsed(name: &str, text: Option<&str>) -> Result<Option<Duration>, Fault> {
    let parse = |text: &str| {
        let time = humantime::parse_rfc3339(text).ok()?;
        time.duration_since(UNIX_EPOCH).ok()
    };
    let wrong = |text| {
        format!("Cannot convert the literal '{text}' of '{name}' to the expected type 'Edm.DateTimeOffset'.")
    };
    text.map(|text| parse(text).ok_or_else(|| Fault::bad_request("Request_BadRequest", wrong(text))))
        .transpose()
}

pub(super) fn add_password(request: &Request<'_>, set: Set, key: &Key) -> Result<Response, Fault> {
    let (identity, _) = changeable(request, set, key)?;
    let Added { password_credential: asked } = match request.body {
        [] => Added::default(),
        body => serde_json::from_slice(body).map_err(|_| unreadable())?,
    };
    let wanted = Wanted {
        start: parsed("startDateTime", asked.start_date_time.as_deref())?,
        end: parsed("endDateTime", asked.end_date_time.as_deref())?,
        display_name: asked.display_name,
    };
    let graph = &request.tenant.graph;
    let added = graph.add_password(&identity.client_id, holder(set), wanted, request.tenant.now());
    let password = added.map_err(refusal)?;
    request.exchange.note(format_args!("graph: password {} added to {}", password.key_id, identity.name));
    let mut body = credential(&password);
    body["secretText"] = password.value.into();
    Ok(Json(body).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Removed {
    key_id: String,
}

pub(super) fn remove_password(request: &Request<'_>, set: Set, key: &Key) -> Result<Response, Fault> {
    let (identity, _) = changeable(request, set, key)?;
    let Removed { key_id } = serde_json::from_slice(request.body).map_err(|_| unreadable())?;
    let graph = &request.tenant.graph;
    if !graph.remove_password(&identity.client_id, holder(set), &key_id, request.tenant.now()) {
        let said = format!("No password credential found with keyId {key_id}.");
        return Err(Fault::bad_request("Request_BadRequest", said));
    }
    request.exchange.note(format_args!("graph: password {key_id} removed from {}", identity.name));
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn unreadable() -> Fault {
    Fault::bad_request("Request_BadRequest", "Unable to read JSON request payload.")
}

/// Who may not change an object is not told whether there is one.
fn changeable<'a>(request: &'a Request<'_>, set: Set, key: &Key) -> Result<Found<'a>, Fault> {
    let found = find(request, set, key);
    let client_id = found.as_ref().map_or("", |(identity, _)| identity.client_id.as_str());
    if !request.grant.may_change_application(client_id) {
        return Err(Fault::denied());
    }
    found
}

fn refusal(error: AddError) -> Fault {
    let (code, said) = match error {
        AddError::EndsBeforeItBegins => ("Request_BadRequest", "Key credential end date is invalid."),
        AddError::NotAllowed => (
            "CredentialTypeNotAllowedAsPerAppPolicy",
            "Credential type not allowed as per assigned policy. Contact your administrator to review policy.",
        ),
        AddError::LivesTooLong => (
            "CredentialInvalidLifetimeAsPerAppPolicy",
            "Credential lifetime exceeds the max value allowed as per assigned policy.",
        ),
        AddError::TooManyForPersonalAccounts => (
            "TooManyAppPasswords",
            "The application already has the maximum number of passwords associated with it.",
        ),
        AddError::TooLarge => (
            "Directory_ResourceSizeExceeded",
            "The size of the object has exceeded its limit. Please reduce the number of values and retry your request.",
        ),
    };
    Fault::bad_request(code, said)
}
