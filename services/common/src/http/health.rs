//! What probes and Prometheus ask: `/startup`, `/liveness`, `/readiness`, `/metrics`.

use crate::{Life, Stage};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

/// What a service says of itself.
pub trait Health: Send + Sync + 'static {
    /// Whether a new client would be served, from what is known: no request to anybody is made for it.
    ///
    /// # Errors
    /// Why not.
    fn readiness(&self) -> Result<(), String>;

    /// Its metrics as text, and their media type.
    fn metrics(&self) -> (String, &'static str);
}

/// The routes: probes if `probes`, metrics if `metrics`.
pub fn health(service: &Arc<impl Health>, life: &Life, probes: bool, metrics: bool) -> Router {
    let mut router = Router::new();
    if probes {
        let (of_start, of_readiness, asked) = (life.clone(), life.clone(), service.clone());
        router = router
            .route("/liveness", get(async || "ok\n"))
            .route("/startup", get(async move || verdict(started(&of_start))))
            .route("/readiness", get(async move || verdict(ready(&of_readiness, asked.as_ref()))));
    }
    if metrics {
        let asked = service.clone();
        router = router.route(
            "/metrics",
            get(async move || {
                let (text, kind) = asked.metrics();
                ([(CONTENT_TYPE, kind)], text)
            }),
        );
    }
    router
}

fn started(life: &Life) -> Result<(), String> {
    match life.stage() {
        Stage::Starting => Err("starting".to_owned()),
        _ => Ok(()),
    }
}

fn ready(life: &Life, service: &impl Health) -> Result<(), String> {
    started(life)?;
    match life.stage() {
        Stage::Started => service.readiness(),
        _ => Err("stopping".to_owned()),
    }
}

fn verdict(outcome: Result<(), String>) -> impl IntoResponse {
    match outcome {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")),
    }
}
