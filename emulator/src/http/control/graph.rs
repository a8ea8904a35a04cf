//! Microsoft Graph, under `/emulator/graph`.

use super::answer::{ControlState, Refusal, parse, respond};
use crate::graph::{GraphGrant, GraphSettings};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use std::collections::BTreeMap;

/// Show how soon Graph's changes are known, and what is refused
#[utoipa::path(get, path = "/emulator/graph/settings", tag = "graph", responses(
    (status = 200, description = "As it was set", body = GraphSettings)))]
pub(super) async fn graph_settings(State(control): ControlState) -> Json<GraphSettings> {
    Json(control.tenant.graph.settings())
}

/// Set how soon Graph's changes are known, and what is refused
///
/// What is not given is as by default.
#[utoipa::path(put, path = "/emulator/graph/settings", tag = "graph", request_body = GraphSettings, responses(
    (status = 200, description = "As it is now", body = GraphSettings),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn set_graph_settings(State(control): ControlState, body: String) -> Response {
    respond(parse::<GraphSettings>(&body).and_then(|settings| control.set_graph_settings(settings)))
}

/// Show who may do what in Graph
#[utoipa::path(get, path = "/emulator/graph/grants", tag = "graph", responses(
    (status = 200, description = "By object id", body = BTreeMap<String, GraphGrant>)))]
pub(super) async fn grants(State(control): ControlState) -> Json<BTreeMap<String, GraphGrant>> {
    Json(control.tenant.graph.grants())
}

/// Set what an object id may do in Graph
#[utoipa::path(put, path = "/emulator/graph/grants/{object_id}", tag = "graph",
    params(("object_id" = String, Path, description = "Whose")), request_body = GraphGrant, responses(
    (status = 200, description = "What it may do now, and nothing else", body = GraphGrant),
    (status = 400, description = "Nothing was changed", body = Refusal)))]
pub(super) async fn set_grant(
    State(control): ControlState,
    Path(object_id): Path<String>,
    body: String,
) -> Response {
    respond(
        parse::<GraphGrant>(&body).inspect(|grant| control.tenant.graph.set_grant(&object_id, grant.clone())),
    )
}
