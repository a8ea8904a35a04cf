//! The variables that point a client at the emulator.

use super::answer::{ControlState, Refusal, refuse, respond};
use crate::Error;
use crate::control::Control;
use crate::environment::{KINDS, for_shell};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

type Object = BTreeMap<String, String>;

/// Show the variables of every environment, by its name
#[utoipa::path(get, path = "/emulator/environment", tag = "observe", responses(
    (status = 200, description = "The environments for which there is somebody", body = BTreeMap<String, Object>)))]
pub(super) async fn environments(State(control): ControlState) -> Response {
    respond(all(&control).await)
}

async fn all(control: &Arc<Control>) -> Result<BTreeMap<&'static str, Object>, Error> {
    let mut all = BTreeMap::new();
    for (kind, _) in KINDS {
        if control.environments.get(kind).is_some() {
            all.insert(kind, control.environment(kind).await?.into_iter().collect());
        }
    }
    Ok(all)
}

/// How to show them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Form {
    /// `json` if not given.
    #[param(inline)]
    format: Option<Format>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Format {
    Json,
    /// Lines for a shell.
    Shell,
}

/// Show the variables of one environment
#[utoipa::path(get, path = "/emulator/environment/{kind}", tag = "observe",
    params(("kind" = String, Path, description = "imds, app_service, …: see `entrakey emulator --help`"), Form),
    responses(
    (status = 200, description = "The variables; the files that they name are there",
        content((Object = "application/json"), (String = "text/plain"))),
    (status = 404, description = "There is no such environment, or nobody for it", body = Refusal)))]
pub(super) async fn environment(
    State(control): ControlState,
    Path(kind): Path<String>,
    Query(form): Query<Form>,
) -> Response {
    match (control.environment(&kind).await, form.format) {
        (Ok(variables), Some(Format::Shell)) => {
            for_shell(&control.environments.foreign_to(&kind), &variables).into_response()
        }
        (Ok(variables), _) => respond(Ok(variables.into_iter().collect::<Object>())),
        (Err(error), _) => refuse(StatusCode::NOT_FOUND, error.to_string()),
    }
}
