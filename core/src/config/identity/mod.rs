//! How to authenticate: each identity with what it needs, made of the values of its keys.

mod application;
mod chain;
mod choice;
mod hints;
mod hosting_environment;
mod managed_identity;
mod proof;
mod single;
mod token_file;
mod tool;

pub(crate) use application::Application;
pub(crate) use chain::{Link, Obstacle};
pub(crate) use choice::IdentityChoice;
pub(crate) use hosting_environment::{HostingEnvironment, UserAssigned};
pub(crate) use managed_identity::ManagedIdentity;
pub(crate) use proof::{CertificateSettings, PipelineJob, Proof, SecretLocation};
pub(crate) use single::SingleIdentity;
pub(crate) use token_file::TokenFile;
pub(crate) use tool::Tool;
