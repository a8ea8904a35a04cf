//! What an administrator of this machine may ask: `/quitquitquit`.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::ALLOW;
use axum::routing::get;
use std::sync::Arc;
use tokio::sync::Notify;

/// The route; `quit` is told when somebody asks. Hooks of Kubernetes can only GET, people and `entrakey` POST.
pub fn admin(quit: Arc<Notify>) -> Router {
    let told = async move || {
        quit.notify_one();
        "stopping\n"
    };
    // Whoever only looks whether it is there uses HEAD, which axum takes for a GET.
    let looked = async || (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET,POST")]);
    Router::new().route("/quitquitquit", get(told.clone()).post(told).head(looked))
}
