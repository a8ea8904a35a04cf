//! An application (service principal) in its tenant.

use super::hints::why_id_is_needed;
use super::proof::Proof;
use crate::config::clouds;
use crate::config::endpoint::{Scheme, check_endpoint};
use crate::config::explanation::{Explanation, asked_with, note_on_entry};
use crate::config::names::AZURE_PIPELINES;
use crate::config::value::{Origin, Value};
use crate::config::values::Values;
use crate::config::variables::{TASK_CLIENT_ID, TASK_TENANT_ID};
use crate::error::{Error, Result};
use std::sync::Arc;

/// An application, what it proves itself with, and what an error about it adds.
pub(crate) struct Application {
    pub(crate) authority_host: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
    pub(crate) explanation: Arc<Explanation>,
}

impl Application {
    pub(super) fn resolve(identity: &str, values: &Values<'_>) -> Result<Self> {
        let tenant = id("tenant_id", identity, values)?;
        check_tenant(&tenant)?;
        let client = id("client_id", identity, values)?;
        let authority_host = authority_host(values)?;
        let proof = Proof::resolve(identity, values)?;
        let explanation = Arc::new(explanation(values, [tenant, client], &proof)?);
        let (tenant_id, client_id) = (tenant.text.to_owned(), client.text.to_owned());
        Ok(Self { authority_host, tenant_id, client_id, proof, explanation })
    }

    /// The addresses that are asked, perhaps through a proxy.
    pub(super) fn addresses(&self) -> Vec<&str> {
        let of_proof = match &self.proof {
            Proof::Pipelines(job) => Some(job.request_uri.as_str()),
            _ => None,
        };
        [self.authority_host.as_str()].into_iter().chain(of_proof).collect()
    }
}

/// An id of the application. In a task of Azure Pipelines its own variable comes before Azure's.
fn id<'a>(key: &'static str, identity: &str, values: &Values<'a>) -> Result<Value<'a>> {
    let of_task = match (identity, key) {
        (AZURE_PIPELINES, "tenant_id") => values.value_of_variable(key, TASK_TENANT_ID)?,
        (AZURE_PIPELINES, _) => values.value_of_variable(key, TASK_CLIENT_ID)?,
        _ => None,
    };
    match (of_task, values.value(key)?) {
        (Some(of_task), value) if value.is_none_or(|value| value.origin < Origin::OurVariable) => Ok(of_task),
        (_, Some(value)) => Ok(value),
        (_, None) => Err(values.missing(key, &why_id_is_needed(identity, key, values)?)),
    }
}

fn check_tenant(tenant: &Value<'_>) -> Result<()> {
    if ["common", "organizations", "consumers"].contains(&tenant.text) {
        return Err(Error::invalid_config(format!(
            "{} is for people who sign in: a service principal needs the id or the domain name of its own tenant.",
            tenant.label_with_text()
        )));
    }
    if !is_tenant(tenant.text) {
        return Err(Error::invalid_config(format!(
            "{} is neither the id of a tenant nor a domain name: it has letters, digits, - and . only.",
            tenant.label()
        )));
    }
    Ok(())
}

/// Whether a text can stand for a tenant. It becomes a part of a path: `.` and `..` would go out as a path without it.
fn is_tenant(text: &str) -> bool {
    text.len() <= 253
        && text.contains(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

fn authority_host(values: &Values<'_>) -> Result<String> {
    let cloud = values.required("cloud", "")?.text;
    let authority = values.text("authority_host")?.or(clouds::authority(cloud));
    let authority = authority.ok_or_else(|| values.missing("authority_host", "the cloud has none"))?;
    let label = values.label("authority_host")?;
    // Microsoft's libraries take a name alone too.
    let authority =
        if authority.contains("://") { authority.to_owned() } else { format!("https://{authority}") };
    check_endpoint(&label, &authority, Scheme::HttpsOnly)?;
    let authority = authority.trim_end_matches('/');
    let rest = authority.split_once("://").map_or(authority, |(_, rest)| rest);
    if rest.contains(['/', '?', '#', '@']) {
        return Err(Error::invalid_config(format!(
            "{label} is scheme and host only; the tenant goes into tenant_id."
        )));
    }
    Ok(authority.to_owned())
}

fn explanation(values: &Values<'_>, ids: [Value<'_>; 2], proof: &Proof) -> Result<Explanation> {
    let mut asked = ids.to_vec();
    for key in ["cloud", "authority_host", "scope"].into_iter().chain(proof.keys()) {
        asked.extend(values.value(key)?.filter(Value::is_set));
    }
    let unread = match values.value("certificate_path")? {
        Some(path) if path.origin == Origin::AzureVariable && matches!(proof, Proof::Secret(_)) => {
            format!("{} is set too, and not read beside a client secret.", path.label())
        }
        _ => String::new(),
    };
    Ok(Explanation::of_refusal(&[&asked_with(asked), &unread, &note_on_entry(values)]))
}
