//! One identity for all the processes of a host: the agent asks Entra once, keeps the tokens fresh, and hands them to
//! whoever may have them, in the forms that stock clients understand.
//!
//! * A Unix socket with an API of its own (`unix`), which knows its clients by their user and group.
//! * App Service's endpoint on loopback (`app_service`), which knows them by a secret for each.
//! * Files that hold a token (`token_file`), for programs that can do no more than read one.
//!
//! An [`Agent`] is made from a [`Plan`], and takes another one while it works.

#![forbid(unsafe_code)]

mod access;
mod agent;
mod answer;
mod app_service;
mod audit;
mod counts;
mod front;
mod header_secret;
mod identity;
mod metrics;
mod parameters;
mod peer;
mod plan;
mod rate;
mod state;
mod supply;
mod token_file;
mod unix;
mod write_beside;

pub use agent::{Agent, Limits, Process};
pub use front::Front;
pub use header_secret::{is_strong, read_or_make};
pub use plan::{ClientPlan, FileFormat, IdentityPlan, Plan, TokenFilePlan};
pub use state::Unfit;
