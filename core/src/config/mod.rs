//! Configuration: plain values by key, the same keys in every language.
//!
//! A [`Config`] holds what code set. [`Settings`] are what a provider runs with: the same, completed from
//! the environment, a file and the defaults, typed and validated.

mod clouds;
#[allow(clippy::module_inception, reason = "each file is named after its type")]
mod config;
mod document;
mod effective;
mod endpoint;
mod environment;
mod expand;
mod explanation;
mod file;
mod find_key;
mod identity;
mod inherited;
mod json;
mod key_type;
mod key_value;
mod keys;
mod misspelt;
mod names;
#[cfg(test)]
mod origins;
mod proxy;
mod quotes;
mod report;
#[cfg(test)]
mod resolving;
mod settings;
mod thumbprint;
mod trust_paths;
mod value;
mod values;
mod variables;

pub use config::Config;
pub use effective::EffectiveConfig;
pub(crate) use environment::Environment;
pub(crate) use explanation::Explanation;
#[cfg(test)]
use file::FileValues;
pub use file::{ServiceValue, StoreEntry, read_service_file, read_service_settings, read_store_entries};
pub(crate) use identity::{
    Application, CertificateSettings, HostingEnvironment, IdentityChoice, Link, ManagedIdentity, Obstacle,
    PipelineJob, Proof, SecretLocation, SingleIdentity, TokenFile, Tool, UserAssigned,
};
pub use inherited::{InheritedSetting, InheritedSettings, inherit};
pub use key_type::KeyType;
pub(crate) use keys::TOKEN_FILE_PATH;
pub use keys::{KEYS, Key};
pub use misspelt::{MisspeltVariable, misspelt_variables};
pub(crate) use names::WORKLOAD_IDENTITY;
pub(crate) use proxy::Way;
pub use report::{ConfigReport, ReportedValue};
pub(crate) use settings::{CaFile, Settings};
pub(crate) use thumbprint::{Thumbprint, parse_thumbprint};
pub(crate) use trust_paths::TrustPaths;
pub use variables::{VARIABLES, Variable};
