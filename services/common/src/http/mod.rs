//! A service's HTTP: for probes, Prometheus and administrators of this machine, and not for web pages.

mod admin;
mod connection;
mod guard;
mod health;
mod places;
mod server;

pub use admin::admin;
pub use connection::{Patience, answer};
pub use guard::of_another;
pub use health::{Health, health};
pub use places::{Place, Places, Taken};
pub use server::HttpServer;
