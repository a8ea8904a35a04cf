//! How to authenticate: which of the identities, with what it needs.

use super::asked::Asked;
use super::endpoint::{Scheme, check_endpoint};
use super::environment::Environment;
use super::managed_identity::{Host, UserAssigned, check_user_assigned, detect, half_a_hint};
use super::proof::{Application, CLIENT_ASSERTION, Proof, application, has_proof};
use super::values::{Given, Source, Values, invalid};
use crate::error::{Error, Result};
use crate::request::HostCallback;
use std::sync::Arc;

/// How to authenticate, with what each way needs.
pub(crate) enum IdentityChoice {
    /// What the machine itself is, as its hosting environment says.
    ManagedIdentity { host: Host, user_assigned: Option<UserAssigned>, asked: Arc<Asked> },
    /// An application, by the client credentials grant.
    Application(Arc<Application>),
    /// Who is signed in to the Azure CLI.
    AzureCli { tenant_id: Option<String>, subscription: Option<String>, asked: Arc<Asked> },
    /// Who is signed in to the Azure Developer CLI.
    AzureDeveloperCli { tenant_id: Option<String>, asked: Arc<Asked> },
    /// The host supplies the token itself.
    Custom(Arc<HostCallback>),
    /// The first of several that is there.
    Chain(Vec<Link>),
}

/// One way of the default chain.
pub(crate) struct Link {
    pub(crate) name: &'static str,
    pub(crate) choice: Result<IdentityChoice, WhyNot>,
}

/// Why a link of the chain cannot be asked.
pub(crate) enum WhyNot {
    /// Nothing of it is there: the next one may be.
    NotConfigured(String),
    /// It is what this machine has, configured wrongly. It does not stand in the way of a link before it; none
    /// after it may take its place.
    Misconfigured(Error),
}

const ENVIRONMENT: &str = "environment";
pub(crate) const WORKLOAD_IDENTITY: &str = "workload_identity";
const MANAGED_IDENTITY: &str = "managed_identity";
const CUSTOM: &str = "custom";
const AZURE_CLI: &str = "azure_cli";
const AZURE_DEVELOPER_CLI: &str = "azure_developer_cli";

/// Azure's variable that says which part of the chain is meant, or which single credential.
/// <https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains#how-to-customize-defaultazurecredential>
const CHAIN_VARIABLE: &str = "AZURE_TOKEN_CREDENTIALS";
const CHAIN: &[(&str, &str)] = &[
    (ENVIRONMENT, "EnvironmentCredential"),
    (WORKLOAD_IDENTITY, "WorkloadIdentityCredential"),
    (MANAGED_IDENTITY, "ManagedIdentityCredential"),
    (AZURE_CLI, "AzureCliCredential"),
    (AZURE_DEVELOPER_CLI, "AzureDeveloperCliCredential"),
];
/// The first so many are for services, the others for developers' machines.
const CHAIN_FOR_SERVICES: usize = 3;

/// The variables read here that no key names.
pub(super) const VARIABLES: &[&str] = &[CHAIN_VARIABLE];

impl IdentityChoice {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let callbacks = &values.config.callbacks;
        // Code that brings a callback means it, unless it says something else.
        match (values.config.get("identity"), &callbacks.token, &callbacks.assertion) {
            (_, Some(_), Some(_)) => {
                return Err(invalid(
                    "There is a token callback and an assertion callback: pass one of them.",
                ));
            }
            (None | Some(CUSTOM), Some(_), None) => return single(CUSTOM, values),
            (None | Some(CLIENT_ASSERTION), None, Some(_)) => return single(CLIENT_ASSERTION, values),
            (Some(identity), Some(_), None) | (Some(identity), None, Some(_)) => {
                return Err(invalid(format!(
                    "identity \"{identity}\" (set in code) uses no callback: leave the callback out, or identity."
                )));
            }
            _ => {}
        }
        match values.required("identity", "")? {
            "default" => chain(values),
            name => single(name, values),
        }
    }

    /// For a sentence: "from the …". It holds ids, no secret.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::ManagedIdentity { host, user_assigned, .. } => {
                let whose = host.name();
                match user_assigned {
                    None => format!("system-assigned managed identity of {whose}"),
                    Some(UserAssigned::Client(id)) => {
                        format!("managed identity with client id {id} of {whose}")
                    }
                    Some(UserAssigned::Object(id)) => {
                        format!("managed identity with object id {id} of {whose}")
                    }
                    Some(UserAssigned::Resource(id)) => format!("managed identity {id} of {whose}"),
                }
            }
            Self::Application(application) => {
                format!("service principal with client id {}", application.client_id)
            }
            Self::AzureCli { .. } => "user of the Azure CLI".to_owned(),
            Self::AzureDeveloperCli { .. } => "user of the Azure Developer CLI".to_owned(),
            Self::Custom(_) => "token callback".to_owned(),
            Self::Chain(_) => "default chain of identities".to_owned(),
        }
    }

    /// What is secret of it, as far as it is there before the first request.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::ManagedIdentity { host, .. } => host.secret().into_iter().collect(),
            Self::Application(application) => application.proof.secrets(),
            Self::Chain(links) => {
                links.iter().filter_map(|link| link.choice.as_ref().ok()).flat_map(Self::secrets).collect()
            }
            Self::AzureCli { .. } | Self::AzureDeveloperCli { .. } | Self::Custom(_) => Vec::new(),
        }
    }

    /// Whether it may start az or azd.
    pub(super) fn starts_tools(&self) -> bool {
        match self {
            Self::AzureCli { .. } | Self::AzureDeveloperCli { .. } => true,
            Self::Chain(links) => {
                links.iter().filter_map(|link| link.choice.as_ref().ok()).any(Self::starts_tools)
            }
            _ => false,
        }
    }

    /// Whether a callback of the host's runs on this thread, on behalf of this identity.
    pub(crate) fn runs_callback_here(&self) -> bool {
        match self {
            Self::Custom(callback) => callback.is_running_here(),
            Self::Application(application) => {
                matches!(&application.proof, Proof::Callback(callback) if callback.is_running_here())
            }
            _ => false,
        }
    }

    /// Whether every pod of a Kubernetes node would get it.
    pub(crate) fn is_of_the_node(&self) -> bool {
        match self {
            Self::ManagedIdentity { host: Host::Imds { .. }, .. } => true,
            Self::Chain(links) => links.iter().any(|link| {
                matches!(&link.choice, Ok(Self::ManagedIdentity { host: Host::Imds { .. }, .. }))
            }),
            _ => false,
        }
    }
}

fn single(name: &str, values: &Values<'_>) -> Result<IdentityChoice> {
    match name {
        MANAGED_IDENTITY => managed_identity(values, values.without_azure("client_id")?),
        AZURE_CLI => azure_cli(values),
        AZURE_DEVELOPER_CLI => azure_developer_cli(values),
        CUSTOM => custom(values),
        _ => application(name, values),
    }
}

/// The chain, or what `AZURE_TOKEN_CREDENTIALS` leaves of it. One alone is no chain: it is meant.
fn chain(values: &Values<'_>) -> Result<IdentityChoice> {
    let wanted = values.environment.get(CHAIN_VARIABLE).map(str::trim).filter(|wanted| !wanted.is_empty());
    let names = CHAIN.iter().map(|(name, _)| *name);
    let names: Vec<_> = match wanted.map(str::to_ascii_lowercase).as_deref() {
        None => names.collect(),
        Some("prod") => names.take(CHAIN_FOR_SERVICES).collect(),
        Some("dev") => names.skip(CHAIN_FOR_SERVICES).collect(),
        Some(one) => {
            let Some((name, _)) = CHAIN.iter().find(|(_, azure)| azure.eq_ignore_ascii_case(one)) else {
                return Err(invalid(format!(
                    "Environment variable {CHAIN_VARIABLE} is none of dev, prod, {}. Correct it, or set identity.",
                    CHAIN.iter().map(|(_, azure)| *azure).collect::<Vec<_>>().join(", ")
                )));
            };
            return match *name {
                MANAGED_IDENTITY => managed_identity(values, values.given("client_id")?),
                name => single(name, values),
            };
        }
    };
    let links = names.into_iter().map(|name| Ok(Link { name, choice: link(name, values)? }));
    Ok(IdentityChoice::Chain(links.collect::<Result<_>>()?))
}

/// A link of the chain, or why it is out of the question. An error: it is configured, and wrongly.
fn link(name: &'static str, values: &Values<'_>) -> Result<Result<IdentityChoice, WhyNot>> {
    let absent = |keys: &[&'static str]| -> Result<Option<String>> {
        let missing = keys.iter().filter_map(|key| match values.text(key) {
            Ok(Some(_)) => None,
            Ok(None) => Some(Ok(*key)),
            Err(error) => Some(Err(error)),
        });
        let missing = missing.collect::<Result<Vec<_>>>()?;
        Ok((!missing.is_empty())
            .then(|| format!("{} not set{}", missing.join(" and "), values.environment.note())))
    };
    let application_needs: &[&str] = match name {
        ENVIRONMENT if has_proof(values)? => &["tenant_id", "client_id"],
        ENVIRONMENT => &["tenant_id", "client_id", "client_secret"],
        WORKLOAD_IDENTITY => &["tenant_id", "client_id", "federated_token_file"],
        MANAGED_IDENTITY => {
            let made = managed_identity(values, values.given("client_id")?);
            return Ok(made.map_err(WhyNot::Misconfigured));
        }
        _ => return single(name, values).map(Ok),
    };
    match absent(application_needs)? {
        Some(reason) => Ok(Err(WhyNot::NotConfigured(reason))),
        None => application(name, values).map(Ok),
    }
}

fn managed_identity(values: &Values<'_>, client_id: Option<Given<'_>>) -> Result<IdentityChoice> {
    let imds = values.needed("imds_endpoint", "")?;
    check_endpoint(&imds.named(), imds.text, Scheme::HttpNearby)?;
    // An address that was given is meant; only without one is the environment asked what this machine is.
    // Azure's own variable says where IMDS is, and nothing of what this machine is.
    let is_given = !matches!(imds.source, None | Some(Source::Azures));
    let host = match is_given {
        false => detect(values.environment, imds.text)?,
        true => Host::Imds { endpoint: imds.text.trim_end_matches('/').to_owned() },
    };
    let ids = [
        // Unless the chain asks, the caller leaves AZURE_CLIENT_ID out: it belongs to some service principal.
        (client_id, UserAssigned::Client as fn(String) -> _),
        (values.given("object_id")?, UserAssigned::Object),
        (values.given("resource_id")?, UserAssigned::Resource),
    ];
    let given: Vec<_> = ids.into_iter().filter_map(|(id, make)| Some((id?, make))).collect();
    let (id, user_assigned) = match given.as_slice() {
        [] => (None, None),
        [(id, make)] => (Some(*id), Some(make(id.text.to_owned()))),
        several => {
            let several: Vec<_> = several.iter().map(|(id, _)| id.named()).collect();
            return Err(invalid(format!(
                "{} each name a user-assigned identity: set one of them only.",
                several.join(" and ")
            )));
        }
    };
    if let Some(id) = id {
        check_user_assigned(&host, user_assigned.as_ref(), &id.named())?;
    }
    let of_absence = match host {
        Host::Imds { .. } if is_given => unread_beside(&imds, values.environment),
        Host::Imds { .. } => half_a_hint(values.environment),
        _ => String::new(),
    };
    let asked = Arc::new(Asked::as_managed_identity(values, id, of_absence)?);
    Ok(IdentityChoice::ManagedIdentity { host, user_assigned, asked })
}

/// An address of IMDS that was given keeps another endpoint from being found.
fn unread_beside(imds: &Given<'_>, environment: &Environment) -> String {
    let named =
        ["IDENTITY_ENDPOINT", "MSI_ENDPOINT"].into_iter().find(|name| environment.get(name).is_some());
    let sentence = |name| format!("{name} is set, and not read beside {}.", imds.named());
    named.map_or_else(String::new, sentence)
}

fn azure_cli(values: &Values<'_>) -> Result<IdentityChoice> {
    // The tenant of some service principal is not the developer's.
    let tenant = values.without_azure("tenant_id")?;
    Ok(IdentityChoice::AzureCli {
        tenant_id: tenant.map(|given| given.text.to_owned()),
        subscription: values.text("azure_cli_subscription")?.map(str::to_owned),
        asked: Arc::new(Asked::as_tool(values, AZURE_CLI, tenant)),
    })
}

fn azure_developer_cli(values: &Values<'_>) -> Result<IdentityChoice> {
    let tenant = values.without_azure("tenant_id")?;
    Ok(IdentityChoice::AzureDeveloperCli {
        tenant_id: tenant.map(|given| given.text.to_owned()),
        asked: Arc::new(Asked::as_tool(values, AZURE_DEVELOPER_CLI, tenant)),
    })
}

fn custom(values: &Values<'_>) -> Result<IdentityChoice> {
    let callback = values.config.callbacks.token.clone();
    let callback =
        callback.ok_or_else(|| invalid("identity \"custom\" needs a token callback: pass one."))?;
    Ok(IdentityChoice::Custom(HostCallback::new("token", callback)))
}
