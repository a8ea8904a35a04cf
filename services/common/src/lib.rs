//! What a long-running process of entrakey's needs once, whichever service it is: sockets that have one owner, health and
//! metrics over HTTP, a drain at the end, word to systemd, and lines for a log.
//!
//! Nothing in here knows what is served.

#![forbid(unsafe_code)]

mod connections;
mod descriptors;
mod drain;
mod exposure;
mod http;
mod life;
mod listen;
mod log;
mod notify;
mod tls;
mod workers;

pub use connections::{Connections, Full, Open};
pub use descriptors::raise_descriptor_limit;
pub use drain::{Cause, Delays, Signals, drain};
pub use exposure::{Exposure, TooExposed};
pub use http::{Health, HttpServer, admin, health};
pub use life::{Life, Stage};
pub use listen::{Activated, SocketFile, activated, bind_tcp, bind_unix, keep_alive, resolve};
pub use log::{Format, Log, Severity};
pub use notify::{ready, stopping};
pub use tls::server_config;
pub use workers::Workers;
