//! The control API. Its description is made of the same lines as its routes, so that neither can be without the other.

#![allow(unused_qualifications, reason = "the macro that describes parameters writes some")]

mod answer;
mod arm;
mod clock;
mod environment;
mod faults;
mod graph;
mod keys;
mod limits;
mod local;
mod openapi;
mod redis;
mod requests;
mod tokens;

use crate::control::Control;
use axum::{Extension, Router, middleware};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every operation. One that is added here is in the description and on the command line too.
fn routes() -> OpenApiRouter<Arc<Control>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(requests::stats))
        .routes(routes!(requests::requests, requests::clear_requests))
        .routes(routes!(environment::environments))
        .routes(routes!(environment::environment))
        .routes(routes!(faults::faults, faults::add_faults, faults::clear_faults))
        .routes(routes!(clock::clock, clock::set_clock))
        .routes(routes!(limits::limits, limits::set_limits))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::rotate_keys))
        .routes(routes!(keys::retire_keys))
        .routes(routes!(tokens::federated_token))
        .routes(routes!(openapi::openapi))
        .routes(routes!(arm::arm_cache, arm::set_arm_cache))
        .routes(routes!(arm::assign_role, arm::unassign_role))
        .routes(routes!(graph::graph_settings, graph::set_graph_settings))
        .routes(routes!(graph::grants))
        .routes(routes!(graph::set_grant))
        .merge(redis::routes())
}

pub(super) fn router(control: Arc<Control>) -> Router {
    let (router, description) = routes().with_state(control).split_for_parts();
    router.route_layer(Extension(Arc::new(description))).route_layer(middleware::from_fn(local::only))
}
