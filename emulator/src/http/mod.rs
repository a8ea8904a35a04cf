//! The token plane: managed identity and control over http, Entra over https, Service Fabric over its own https.

mod alter;
mod arm;
mod control;
mod discovery;
mod entra;
mod exchange;
mod graph;
mod intercept;
mod issuers;
mod managed;
mod pipelines;
mod resources;
mod serve;
mod state;

pub(crate) use serve::Server;
pub(crate) use state::TokenPlane;

use crate::addresses::paths;
use crate::arm::ResourceManager;
use crate::control::Control;
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use intercept::named;
use managed::{app_service, arc, azure_ml, cloud_shell, imds, service_fabric};
use std::sync::Arc;

/// The managed identity endpoints, and the control API under `/emulator`.
pub(crate) fn plain_router(plane: &TokenPlane, control: Arc<Control>) -> Router {
    Router::new()
        .route(paths::IMDS, named(plane, "imds", get(imds::token)))
        // msal for Node.js, and what stands on it, ends the path with a slash; IMDS answers that too.
        .route(&format!("{}/", paths::IMDS), named(plane, "imds", get(imds::token)))
        .route(paths::APP_SERVICE, named(plane, "app_service", get(app_service::token)))
        .route(paths::AZURE_ML, named(plane, "azure_ml", get(azure_ml::token)))
        .route(paths::ARC, named(plane, "arc", get(arc::token)))
        .route(paths::CLOUD_SHELL, named(plane, "cloud_shell", post(cloud_shell::token)))
        .with_state(plane.clone())
        .merge(control::router(control))
}

/// Entra: the token endpoint, what describes it, and the outside issuers that it trusts; Azure Resource Manager; and Graph.
pub(crate) fn secure_router(plane: &TokenPlane, manager: Arc<ResourceManager>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", named(plane, "token", post(entra::token)))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            named(plane, "discovery", get(discovery::configuration)),
        )
        .route("/{tenant}/discovery/v2.0/keys", named(plane, "keys", get(discovery::keys)))
        .route("/{tenant}/discovery/instance", named(plane, "instance", get(discovery::instance)))
        .route(
            "/issuers/{issuer}/.well-known/openid-configuration",
            named(plane, "issuer", get(issuers::configuration)),
        )
        .route("/issuers/{issuer}/keys", named(plane, "issuer", get(issuers::keys)))
        .route(paths::PIPELINES, named(plane, "pipelines", post(pipelines::token)))
        .route("/subscriptions", named(plane, "arm", any(arm::answer)))
        .route("/subscriptions/{*path}", named(plane, "arm", any(arm::answer)))
        .route("/v1.0/{*path}", named(plane, "graph", any(graph::answer)))
        .with_state(plane.clone())
        .layer(Extension(manager))
}

/// Service Fabric, whose clients know its certificate by its thumbprint.
pub(crate) fn fabric_router(plane: &TokenPlane) -> Router {
    Router::new()
        .route(paths::IMDS, named(plane, "service_fabric", get(service_fabric::token)))
        .with_state(plane.clone())
}
