//! Leases: Entra credentials on demand, that really end.
//!
//! A [`Manager`] is made from a [`Plan`] and a [`Store`]. It makes credentials for whoever may have them (`api`), notes each
//! step before it is taken, and takes everything back when its time is over, whatever becomes of this process.

#![forbid(unsafe_code)]

mod access;
mod api;
mod azure;
mod clock;
mod dashboard;
mod fault;
mod front;
mod health;
mod kinds;
mod lease;
mod manager;
mod names;
mod plan;
mod store;
mod tokens;
mod trouble;
mod ttl;
mod users;

pub use access::{Caller, Client, EVERY_SECRET, Grant, Role};
pub use api::{Credential, openapi};
pub use azure::{Answer, Azure, Cache, Call, Endpoints, Live, Service, SignIn, Unanswered};
pub use clock::Clock;
pub use front::{Front, Surroundings};
pub use lease::{Kind, Lease, State, Waits};
pub use manager::{Denied, Manager, Outcome, Reaped, Request};
pub use plan::{Plan, SecretPlan, What, grant};
pub use store::{Place, Store};
pub use tokens::{NewToken, create_token, list_tokens, remove_token};
pub use ttl::parse_ttl;
pub use users::{User, users};
