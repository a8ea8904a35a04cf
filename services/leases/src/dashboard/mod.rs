//! The dashboard: its files, and the sessions of those who are signed in to it.
//!
//! A browser shows a bearer token once and gets a session, a cookie that no script can read. What changes something needs the
//! session's CSRF token besides, which another site's page cannot know.

mod cookie;
mod files;
mod session;
mod sessions;

pub(crate) use cookie::Transport;
pub(crate) use session::of_request;
pub(crate) use sessions::{Found, Sessions};

use crate::manager::Manager;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use std::sync::Arc;

/// Where the page is: its files and its session are beside it.
const PAGE: &str = "/dashboard/";

/// Needs nobody to be signed in.
pub(crate) fn router() -> Router<Arc<Manager>> {
    let to_page = async || Redirect::to(PAGE);
    Router::new()
        .route("/", get(to_page))
        .route("/dashboard", get(to_page))
        .route(PAGE, get(files::page))
        .route("/dashboard/{file}", get(files::file))
        .route("/dashboard/session", get(session::show).post(session::open).delete(session::close))
}
