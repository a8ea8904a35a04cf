//! A service's HTTP: for probes, Prometheus and administrators of this machine, and not for web pages.

mod admin;
mod guard;
mod health;
mod server;

pub use admin::admin;
pub use health::{Health, health};
pub use server::HttpServer;
