//! Microsoft Entra ID, a managed identity endpoint and a Redis that checks tokens, on loopback.
//!
//! For tests and for trying things out, without Azure and without root. [`Emulator::start`] opens three listeners on
//! 127.0.0.1: the instance metadata service (HTTP), Entra's token endpoint with discovery and keys (HTTPS, with a CA
//! made at start) and a Redis (TLS) which, as Azure Managed Redis does, takes an object id and an access token as
//! username and password and closes the connection when that token expires. [`Emulator::environment`] has the
//! variables that point clients at it; [`Identities`] says whom it knows.
//!
//! ```no_run
//! # async fn example() -> Result<(), entrakey_emulator::Error> {
//! let emulator = entrakey_emulator::Emulator::start(entrakey_emulator::Options::default()).await?;
//! for (name, value) in emulator.environment() {
//!     println!("{name}={value}");
//! }
//! emulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod ca_file;
mod certificates;
mod clock;
mod emulator;
mod environment;
mod error;
mod http;
mod identities;
mod listener;
mod locked;
mod notes;
mod options;
mod random;
mod redis;
mod stats;
mod tokens;

pub use emulator::Emulator;
pub use error::Error;
pub use identities::{AccessPolicy, Identities, Identity};
pub use notes::NoteSink;
pub use options::Options;
pub use stats::{ObjectStats, RedisStats, Stats, TokenStats};
