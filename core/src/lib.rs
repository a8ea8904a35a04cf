//! Microsoft Entra ID access tokens for Redis clients.
//!
//! A [`Provider`] fetches the token of one identity, keeps it fresh in the background and hands it out
//! from memory. Every language binding is a translation of this crate: behaviour lives here.
//!
//! ```no_run
//! use entrakey_core::{Config, Provider};
//!
//! let mut config = Config::new();
//! config.set("identity", "managed_identity")?;
//! let provider = Provider::new(&config)?;
//! let token = provider.get_token()?; // fetches once, then answers from memory
//! println!("AUTH {} <{} bytes>", token.username(), token.secret().len());
//! # Ok::<(), entrakey_core::Error>(())
//! ```

#![forbid(unsafe_code)]

mod claims;
mod clock;
mod config;
mod error;
mod identity;
mod notify;
mod provider;
mod refresh;
mod token;
mod transport;

pub use config::{Config, KEYS, Key, KeyType};
pub use error::{Error, ErrorKind};
pub use notify::Subscription;
pub use provider::{GetToken, Provider};
pub use token::Token;

/// The version of this library, the same in every language.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
