//! What a host tells a provider, and what it may know about it.

use crate::convert::{Failure, version_of};
use crate::provider::Handle;
use entrakey_core::{Connection, Error, METRICS_CONTENT_TYPE, Rejection, render_metrics};
use napi::bindgen_prelude::{Either, External};
use napi_derive::napi;
use std::collections::HashMap;

/// What is to be made of a rejection.
#[napi(object, object_from_js = false)]
pub struct RejectionParts {
    /// The likely reason.
    pub reason: String,
    /// Who the token was for, and what to do.
    pub explanation: String,
}

/// Says that a server refused the token of `version`, and explains it.
#[napi(catch_unwind)]
pub fn report_rejected(
    handle: &External<Handle>,
    version: f64,
    message: String,
) -> Either<RejectionParts, Failure> {
    explained(handle.provider.report_rejected(version_of(version), &message))
}

fn explained(rejection: Result<Rejection, Error>) -> Either<RejectionParts, Failure> {
    match rejection {
        Ok(rejection) => Either::A(RejectionParts {
            reason: rejection.reason.name().to_owned(),
            explanation: rejection.explanation,
        }),
        Err(error) => Either::B(error.into()),
    }
}

/// A connection of a subscription is about to authenticate with the token of `version`; nothing if that has ended.
#[napi(catch_unwind)]
pub fn opened(handle: &External<Handle>, id: u32, version: f64) -> Option<External<Connection>> {
    let opened = handle.subscriptions().get(&id).map(|subscription| subscription.opened(version_of(version)));
    opened.map(External::new)
}

/// Whether it is to be authenticated with the token of `version`.
#[napi(catch_unwind)]
pub fn is_behind(connection: &External<Connection>, version: f64) -> bool {
    connection.is_behind(version_of(version))
}

/// The server took the token of `version`.
#[napi(catch_unwind)]
pub fn authenticated(connection: &External<Connection>, version: f64) {
    connection.authenticated(version_of(version));
}

/// Something else came instead, with this message.
#[napi(catch_unwind)]
pub fn refused(
    connection: &External<Connection>,
    version: f64,
    message: String,
) -> Either<RejectionParts, Failure> {
    explained(connection.refused(version_of(version), &message))
}

/// The connection is closed.
#[napi(catch_unwind)]
pub fn disconnected(connection: &External<Connection>) {
    connection.closed();
}

/// Refuses a connection without TLS that leaves this machine.
#[napi(catch_unwind)]
pub fn check_plaintext(host: String, remedy: String) -> Option<Failure> {
    entrakey_core::check_plaintext(&host, &host, &remedy).err().map(Failure::from)
}

/// One setting of an older library.
#[napi(object, object_to_js = false)]
pub struct InheritedSetting {
    /// Our key; empty for a limit on tries.
    pub key: String,
    /// What its user wrote.
    pub name: String,
    /// The value, in our key's unit.
    pub value: f64,
    /// That library's own.
    pub default: f64,
}

/// What is made of an older library's settings.
#[napi(object, object_from_js = false)]
pub struct InheritedSettings {
    /// Values by key, as the core spells it.
    pub values: HashMap<String, String>,
    /// For the user, if something was changed.
    pub warning: Option<String>,
}

/// Takes an older library's settings over.
#[napi(catch_unwind)]
pub fn inherit(settings: Vec<InheritedSetting>) -> InheritedSettings {
    let settings: Vec<_> = settings
        .iter()
        .map(|InheritedSetting { key, name, value, default }| entrakey_core::InheritedSetting {
            key,
            name,
            value: *value,
            default: *default,
        })
        .collect();
    let inherited = entrakey_core::inherit(&settings);
    let values = inherited.values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    InheritedSettings { values, warning: inherited.warning }
}

/// Asks for a new token soon.
#[napi(catch_unwind)]
pub fn refresh(handle: &External<Handle>) -> Option<Failure> {
    handle.provider.refresh().err().map(Failure::from)
}

/// Says what became of a re-authentication. Nothing happens if the subscription has ended.
#[napi(catch_unwind)]
pub fn acknowledge(handle: &External<Handle>, id: u32, version: f64, accepted: bool) {
    if let Some(subscription) = handle.subscriptions().get(&id) {
        subscription.ack(version_of(version), accepted);
    }
}

/// The status as JSON, with the keys as the core spells them.
#[napi(catch_unwind)]
pub fn status(handle: &External<Handle>) -> String {
    handle.provider.status().to_json()
}

/// The metrics of all these providers as one text.
#[napi(catch_unwind)]
pub fn metrics(handles: Vec<&External<Handle>>) -> String {
    render_metrics(handles.into_iter().map(|handle| handle.provider.status()).collect())
}

/// The media type of that text.
#[napi(catch_unwind)]
pub fn metrics_content_type() -> &'static str {
    METRICS_CONTENT_TYPE
}
