//! The API. `openapi` is made of these routes, and a test asks them all.

mod admission;
mod answers;
mod audit;
mod leases;
pub(crate) mod types;
mod users;

pub(crate) use admission::UnixPeer;
pub(crate) use answers::{json, refused};
pub use types::Credential;

use crate::manager::{Denied, Manager};
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A request has a few words.
const MOST_BODY_BYTES: usize = 16 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "entrakey leases",
        description = "Entra credentials on demand, that really end. Whoever asks shows a bearer token, or is a user of this \
                       machine on the Unix socket.",
        license(name = "MIT OR Apache-2.0")
    ),
    modifiers(&Bearer),
    security(("bearer" = []))
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

fn routes() -> OpenApiRouter<Arc<Manager>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(leases::create, leases::list))
        .routes(routes!(leases::show, leases::delete))
        .routes(routes!(leases::renew))
        .routes(routes!(leases::revoke))
        .routes(routes!(leases::dynamic_secrets))
        .routes(routes!(users::of_secret))
        .routes(routes!(users::of_tenant))
        .routes(routes!(audit::audit))
        .routes(routes!(audit::me))
        .routes(routes!(openapi_json))
}

/// What the API is, as OpenAPI in JSON.
#[must_use]
pub fn openapi() -> String {
    let described = routes().split_for_parts().1;
    described.to_pretty_json().unwrap_or_default()
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service", security(()), responses(
    (status = 200, description = "OpenAPI", content_type = "application/json")))]
async fn openapi_json() -> axum::response::Response {
    answers::json_text(axum::http::StatusCode::OK, openapi())
}

/// The answer where there is nothing.
pub(crate) fn nowhere() -> axum::response::Response {
    let what = "There is nothing here: /v1/leases, /v1/dynamic-secrets, /v1/audit and /v1/openapi.json are, and in a browser \
                /dashboard/.";
    refused(Denied::new(404, "not_found", what))
}

/// The router, for one kind of connection or another.
pub(crate) fn router(manager: Arc<Manager>) -> Router {
    let (router, _) = routes().split_for_parts();
    let not_so =
        async || refused(Denied::new(405, "method_not_allowed", "This is not done with that method."));
    router
        .method_not_allowed_fallback(not_so)
        .fallback(async || nowhere())
        .layer(from_fn_with_state(manager.clone(), admission::admit))
        .merge(crate::dashboard::router())
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(from_fn(answers::with_headers))
        .with_state(manager)
}
