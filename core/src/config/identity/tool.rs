//! Who is signed in to a developer's tool.

use crate::config::explanation::{Explanation, asked_with};
use crate::config::names::{AZURE_CLI, AZURE_DEVELOPER_CLI};
use crate::config::value::Value;
use crate::config::values::Values;
use crate::error::Result;
use std::sync::Arc;

/// The tool, and what an error about it adds.
pub(crate) struct ToolIdentity {
    pub(crate) tool: Tool,
    pub(crate) explanation: Arc<Explanation>,
}

/// Which tool, and what it is asked for.
#[derive(Clone)]
pub(crate) enum Tool {
    AzureCli { tenant_id: Option<String>, subscription: Option<String> },
    AzureDeveloperCli { tenant_id: Option<String> },
}

impl Tool {
    /// The tool in a sentence.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::AzureCli { .. } => "the Azure CLI",
            Self::AzureDeveloperCli { .. } => "the Azure Developer CLI",
        }
    }
}

impl ToolIdentity {
    pub(super) fn azure_cli(values: &Values<'_>) -> Result<Self> {
        let tenant = tenant(values)?;
        let subscription = values.text("azure_cli_subscription")?.map(str::to_owned);
        let tool = Tool::AzureCli { tenant_id: tenant.map(|value| value.text.to_owned()), subscription };
        Ok(Self { tool, explanation: explanation(values, AZURE_CLI, tenant) })
    }

    pub(super) fn azure_developer_cli(values: &Values<'_>) -> Result<Self> {
        let tenant = tenant(values)?;
        let tool = Tool::AzureDeveloperCli { tenant_id: tenant.map(|value| value.text.to_owned()) };
        Ok(Self { tool, explanation: explanation(values, AZURE_DEVELOPER_CLI, tenant) })
    }
}

/// AZURE_TENANT_ID is not read here: it is the tenant of some service principal, and not the developer's.
fn tenant<'a>(values: &Values<'a>) -> Result<Option<Value<'a>>> {
    values.value_without_azure("tenant_id")
}

fn explanation(values: &Values<'_>, name: &str, tenant: Option<Value<'_>>) -> Arc<Explanation> {
    let unread = match values.environment.get("AZURE_TENANT_ID") {
        Some(_) if tenant.is_none() => {
            format!("AZURE_TENANT_ID is set, and not read for identity {name}: set tenant_id if it is meant.")
        }
        _ => String::new(),
    };
    Arc::new(Explanation::of_refusal(&[&asked_with(tenant), &unread]).only_of_tenant())
}
