//! One identity, and not the chain of several.

use super::application::Application;
use super::hosting_environment::HostingEnvironment;
use super::managed_identity::ManagedIdentity;
use super::token_file::TokenFile;
use super::tool::ToolIdentity;
use crate::config::explanation::Explanation;
use crate::config::names::{AZURE_CLI, AZURE_DEVELOPER_CLI, MANAGED_IDENTITY, TOKEN_FILE};
use crate::config::values::Values;
use crate::error::Result;
use std::sync::Arc;

/// An identity that is asked for with values of the configuration.
pub(crate) enum SingleIdentity {
    /// What the machine itself is, as its hosting environment says.
    ManagedIdentity(ManagedIdentity),
    /// An application, by the client credentials grant.
    Application(Arc<Application>),
    /// Who is signed in to a developer's tool.
    Tool(ToolIdentity),
    /// Whose token somebody else keeps fresh, in a file.
    TokenFile(TokenFile),
}

impl SingleIdentity {
    /// The identity of that name.
    pub(super) fn resolve(name: &str, values: &Values<'_>) -> Result<Self> {
        match name {
            // AZURE_CLIENT_ID is not read here: it belongs to some service principal.
            MANAGED_IDENTITY => {
                let client_id = values.value_without_azure("client_id")?;
                ManagedIdentity::resolve(values, client_id).map(Self::ManagedIdentity)
            }
            AZURE_CLI => ToolIdentity::azure_cli(values).map(Self::Tool),
            AZURE_DEVELOPER_CLI => ToolIdentity::azure_developer_cli(values).map(Self::Tool),
            TOKEN_FILE => TokenFile::resolve(values).map(Self::TokenFile),
            _ => Application::resolve(name, values).map(Arc::new).map(Self::Application),
        }
    }

    /// The identity of that name in the default chain, where AZURE_CLIENT_ID may name a managed identity.
    pub(super) fn resolve_in_chain(name: &str, values: &Values<'_>) -> Result<Self> {
        match name {
            MANAGED_IDENTITY => {
                ManagedIdentity::resolve(values, values.value("client_id")?).map(Self::ManagedIdentity)
            }
            name => Self::resolve(name, values),
        }
    }

    /// What is added to an error about this identity.
    pub(crate) fn explanation(&self) -> &Arc<Explanation> {
        match self {
            Self::ManagedIdentity(identity) => &identity.explanation,
            Self::Application(application) => &application.explanation,
            Self::Tool(identity) => &identity.explanation,
            Self::TokenFile(file) => &file.explanation,
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::ManagedIdentity(identity) => identity.describe(),
            Self::Application(application) => {
                format!("service principal with client id {}", application.client_id)
            }
            Self::TokenFile(file) => format!("owner of the token in {}", file.path.display()),
            Self::Tool(identity) => format!("user of {}", identity.tool.name()),
        }
    }

    /// The secrets that the configuration itself holds.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::ManagedIdentity(identity) => identity.hosting_environment.secret().into_iter().collect(),
            Self::Application(application) => application.proof.secrets(),
            Self::Tool(_) | Self::TokenFile(_) => Vec::new(),
        }
    }

    /// Whether every pod of a Kubernetes node would get it.
    pub(crate) fn is_of_the_node(&self) -> bool {
        let Self::ManagedIdentity(identity) = self else { return false };
        matches!(identity.hosting_environment, HostingEnvironment::Imds { .. })
    }
}
