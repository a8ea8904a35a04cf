//! What a long-running process of entrakey's needs once, whichever service it is: sockets that have one owner, health and
//! metrics over HTTP, a drain at the end, word to systemd, and lines for a log.
//!
//! Nothing in here knows what is served; of core it takes what a log says of providers.

#![forbid(unsafe_code)]

mod connections;
mod descriptors;
mod drain;
mod events;
mod exposure;
mod hardening;
mod http;
mod life;
mod listen;
mod log;
mod notify;
mod reload;
mod repeats;
mod shares;
mod table;
mod tls;
mod workers;

pub use connections::{Connections, Full, Open};
pub use descriptors::raise_descriptor_limit;
pub use drain::{Cause, Delays, Signals, drain};
pub use events::log_events;
pub use exposure::{Exposure, TooExposed};
pub use hardening::{forbid_core_dumps, lock_memory};
pub use http::{Health, HttpServer, Patience, Place, Places, Taken, admin, answer, health, of_another};
pub use life::{Life, Stage};
pub use listen::{
    Activated, SocketFile, activated, bind_tcp, bind_unix, keep_alive, make_directory, resolve, user_of,
};
pub use log::{Field, Format, Log, Severity};
pub use notify::{ready, starting, stopping};
pub use reload::{ReloadCause, Reloads, Seen};
pub use repeats::{Message, Repeats};
pub use shares::{Share, Shares};
pub use table::{Table, take_list, take_number, take_table, take_text, used_up};
pub use tls::server_config;
pub use workers::Workers;
