//! What an administrator of this machine may ask: `/quitquitquit`.

use axum::Router;
use axum::routing::get;
use std::sync::Arc;
use tokio::sync::Notify;

/// The route; `quit` is told when somebody asks. Hooks of Kubernetes can only GET, people and `entrakey` POST.
pub fn admin(quit: Arc<Notify>) -> Router {
    let told = async move || {
        quit.notify_one();
        "stopping\n"
    };
    Router::new().route("/quitquitquit", get(told.clone()).post(told))
}
