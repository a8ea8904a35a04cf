//! The managed identity endpoints of Azure's hosting environments.

pub(super) mod app_service;
pub(super) mod arc;
pub(super) mod azure_ml;
pub(super) mod cloud_shell;
mod contract;
pub(super) mod imds;
pub(super) mod service_fabric;

use super::exchange::Exchange;
use crate::identities::Choice;
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

type Answer = (StatusCode, Json<Value>);
type Parameters = Vec<(String, String)>;

/// A header as text; nothing if it is missing or no text.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The name of a parameter that is there more than once.
struct Repeated<'a>(&'a str);

/// The one value of a parameter, if it is there and not empty.
fn value<'p, 'n>(parameters: &'p Parameters, name: &'n str) -> Result<Option<&'p str>, Repeated<'n>> {
    let mut values = parameters.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let first = values.next();
    match values.next() {
        Some(_) => Err(Repeated(name)),
        None => Ok(first.filter(|value| !value.is_empty())),
    }
}

/// The names of the parameters by which a request chooses a user-assigned identity.
struct Names {
    client: &'static [&'static str],
    object: &'static [&'static str],
    resource: &'static [&'static str],
}

enum ChoiceError<'a> {
    Repeated(Repeated<'a>),
    /// By more than one name.
    Several,
}

fn choice<'p>(parameters: &'p Parameters, names: &Names) -> Result<Choice<'p>, ChoiceError<'static>> {
    let mut found = Vec::new();
    let mut look = |names: &'static [&'static str], way: fn(&'p str) -> Choice<'p>| {
        for name in names {
            found.extend(value(parameters, name).map_err(ChoiceError::Repeated)?.map(way));
        }
        Ok(())
    };
    look(names.client, Choice::Client)?;
    look(names.object, Choice::Object)?;
    look(names.resource, Choice::Resource)?;
    match found.as_slice() {
        [] => Ok(Choice::Default),
        [one] => Ok(*one),
        _ => Err(ChoiceError::Several),
    }
}

/// Counts and notes a refusal. The sentence is ours: it holds nothing that the client sent.
fn note_refusal(exchange: &Exchange, endpoint: &str, status: StatusCode, sentence: &str) {
    let status = status.as_u16();
    exchange.refused(
        format!("{endpoint} {status}"),
        format_args!("{endpoint}: refused with {status}: {sentence}"),
    );
}
