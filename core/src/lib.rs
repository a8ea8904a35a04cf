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
mod connections;
mod error;
mod event;
mod files;
mod grant;
mod guard;
mod host_value;
mod https;
mod identity;
mod metrics;
mod observation;
mod provider;
mod redact;
mod refresh;
mod rejection;
mod request;
mod shortage;
mod status;
mod subscription;
mod sync;
mod token;
mod token_fault;
mod transport;
#[cfg(test)]
mod vectors;
mod watch;

#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    //! For this repository's own simulation, benchmarks and trials of interleavings. Not a public interface.
    pub use crate::clock::Now;
    pub use crate::grant::Grant;
    pub use crate::refresh::{Action, Delivery, Input, Machine, Policy, Random, Wish};
    pub use crate::transport::Answers;
    pub use ureq::http;

    /// An error as a source would make it.
    #[must_use]
    pub fn error(kind: crate::ErrorKind, retry_after: Option<std::time::Duration>) -> crate::Error {
        crate::Error::new(kind, "as simulated").with_retry_after(retry_after)
    }
}

pub use claims::{is_unseen, read_claims};
pub use config::{
    Config, ConfigReport, EffectiveConfig, InheritedSetting, InheritedSettings, KEYS, Key, KeyType,
    MisspeltVariable, ReportedValue, ServiceValue, StoreEntry, VARIABLES, Variable, inherit,
    misspelt_variables, read_service_file, read_service_settings, read_store_entries,
};
pub use connections::{Connection, Forbidden, Refusal, WHILE_CONNECTING, check_plaintext};
pub use error::{Error, ErrorKind, ManagedIdentityFault};
pub use event::{Level, ProviderEvent, is_worth_a_warning};
pub use https::{Https, HttpsAnswer, HttpsRequest};
pub use identity::Asked;
pub use metrics::{METRICS_CONTENT_TYPE, render_metrics};
pub use observation::Observation;
pub use provider::{GetToken, HeldToken, Provider};
pub use redact::redacted;
pub use refresh::DuringOutage;
pub use rejection::{Rejection, RejectionReason};
pub use request::CredentialRequest;
pub use status::{Counters, Durations, LastError, ListenerStatus, ProviderState, Status};
pub use subscription::Subscription;
pub use token::Token;
pub use token_fault::{TokenFault, token_faults};
pub use transport::{certificate_fault, describe_certificate, describe_tls_error, refused_certificates};
pub use watch::Watch;

/// Whether this program runs with privileges that whoever started it may not have: setuid, setgid, file capabilities
/// (`AT_SECURE`). The library reads no environment variable then, and a service had better not start.
#[must_use]
pub fn has_foreign_privileges() -> bool {
    entrakey_sys::process::has_foreign_privileges()
}

/// For services, which have no unsafe code of their own.
#[cfg(unix)]
#[doc(hidden)]
pub use entrakey_sys::groups::{group_number, peer_groups};

/// The version of this library, the same in every language.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
