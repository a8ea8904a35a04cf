//! The token plane: managed identity and control over http, Entra over https, Service Fabric over its own https.

mod alter;
mod control;
mod discovery;
mod entra;
mod exchange;
mod issuers;
mod managed;
mod pipelines;
mod resources;
mod scripted;
mod serve;
mod uuid;

pub(crate) use serve::Server;

use crate::addresses::paths;
use crate::control::Control;
use crate::world::World;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use managed::{app_service, arc, azure_ml, cloud_shell, imds, service_fabric};
use scripted::named;
use std::sync::Arc;

type Shared = State<Arc<World>>;

/// The managed identity endpoints, and the control API under `/emulator`.
pub(crate) fn plain_router(world: &Arc<World>, control: Arc<Control>) -> Router {
    Router::new()
        .route(paths::IMDS, named(world, "imds", get(imds::token)))
        // msal for Node.js, and what stands on it, ends the path with a slash; IMDS answers that too.
        .route(&format!("{}/", paths::IMDS), named(world, "imds", get(imds::token)))
        .route(paths::APP_SERVICE, named(world, "app_service", get(app_service::token)))
        .route(paths::AZURE_ML, named(world, "azure_ml", get(azure_ml::token)))
        .route(paths::ARC, named(world, "arc", get(arc::token)))
        .route(paths::CLOUD_SHELL, named(world, "cloud_shell", post(cloud_shell::token)))
        .with_state(world.clone())
        .merge(control::router(control))
}

/// Entra: the token endpoint, what describes it, and the outside issuers that it trusts.
pub(crate) fn secure_router(world: &Arc<World>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", named(world, "token", post(entra::token)))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            named(world, "discovery", get(discovery::configuration)),
        )
        .route("/{tenant}/discovery/v2.0/keys", named(world, "keys", get(discovery::keys)))
        .route("/{tenant}/discovery/instance", named(world, "instance", get(discovery::instance)))
        .route(
            "/issuers/{issuer}/.well-known/openid-configuration",
            named(world, "issuer", get(issuers::configuration)),
        )
        .route("/issuers/{issuer}/keys", named(world, "issuer", get(issuers::keys)))
        .route(paths::PIPELINES, named(world, "pipelines", post(pipelines::token)))
        .with_state(world.clone())
}

/// Service Fabric, whose clients know its certificate by its thumbprint.
pub(crate) fn fabric_router(world: &Arc<World>) -> Router {
    Router::new()
        .route(paths::IMDS, named(world, "service_fabric", get(service_fabric::token)))
        .with_state(world.clone())
}
