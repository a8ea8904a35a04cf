//! How to authenticate: which of the identities, with what it needs.

use super::endpoint::{Scheme, check_endpoint};
use super::environment::KUBERNETES;
use super::managed_identity::{Host, UserAssigned, check_user_assigned, detect};
use super::proxy;
use super::values::{Source, Values, invalid, missing};
use crate::error::Result;
use crate::request::HostCallback;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How to authenticate, with what each way needs.
pub(crate) enum IdentityChoice {
    /// What the machine itself is, as its hosting environment says.
    ManagedIdentity { host: Host, user_assigned: Option<UserAssigned> },
    /// An application, by the client credentials grant.
    Application(Arc<Application>),
    /// Who is signed in to the Azure CLI.
    AzureCli { tenant_id: Option<String>, subscription: Option<String> },
    /// Who is signed in to the Azure Developer CLI.
    AzureDeveloperCli { tenant_id: Option<String> },
    /// The host supplies the token itself.
    Custom(Arc<HostCallback>),
    /// The first of several that is there.
    Chain(Vec<Link>),
}

/// An application (service principal) and how it proves that it is itself.
pub(crate) struct Application {
    pub(crate) authority_host: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
}

/// What an application shows.
pub(crate) enum Proof {
    Secret(Place),
    /// A JWT that is signed here.
    Certificate(CertificateFrom),
    /// A JWT that somebody else renews in a file: Kubernetes, a CI system. `key` names it in the configuration.
    AssertionFile {
        key: &'static str,
        path: PathBuf,
    },
    /// A JWT that the host supplies.
    Callback(Arc<HostCallback>),
    /// A JWT that Azure Pipelines hands out.
    Pipelines(PipelineJob),
}

/// A job of Azure Pipelines.
pub(crate) struct PipelineJob {
    pub(crate) request_uri: String,
    pub(crate) service_connection_id: String,
    pub(crate) access_token: Zeroizing<String>,
}

/// Where something secret is.
pub(crate) enum Place {
    Value(Zeroizing<String>),
    /// Read anew for each request: what rotates secrets replaces the file. `key` names it in the configuration.
    File {
        key: &'static str,
        path: PathBuf,
    },
}

/// A certificate with its private key.
pub(crate) struct CertificateFrom {
    /// None if only its thumbprint is known.
    pub(crate) certificate: Option<Place>,
    /// None if it stands beside the certificate.
    pub(crate) private_key: Option<Place>,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) thumbprint: Option<String>,
    pub(crate) send_chain: bool,
}

/// One way of the default chain.
pub(crate) struct Link {
    pub(crate) name: &'static str,
    /// Or why it is out of the question here.
    pub(crate) choice: Result<IdentityChoice, String>,
}

const ENVIRONMENT: &str = "environment";
const WORKLOAD_IDENTITY: &str = "workload_identity";
const MANAGED_IDENTITY: &str = "managed_identity";
const CLIENT_ASSERTION: &str = "client_assertion";
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

/// Entra's address in each cloud.
/// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
pub(super) const CLOUDS: &[&str] = &["public", "china", "us_government"];
const AUTHORITIES: &[&str] = &[
    "https://login.microsoftonline.com",
    "https://login.partner.microsoftonline.cn",
    "https://login.microsoftonline.us",
];

/// The variables read here that no key names.
pub(super) const VARIABLES: &[&str] = &[CHAIN_VARIABLE];

impl IdentityChoice {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let callbacks = &values.config.callbacks;
        // Code that brings a callback means it, unless it says something else.
        match (values.config.get("identity"), &callbacks.token, &callbacks.assertion) {
            (None, Some(_), _) => return single(CUSTOM, values),
            (None, None, Some(_)) => return single(CLIENT_ASSERTION, values),
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
            Self::ManagedIdentity { host, user_assigned } => {
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
                    "{CHAIN_VARIABLE} is none of dev, prod, {}. Correct it, or set identity.",
                    CHAIN.iter().map(|(_, azure)| *azure).collect::<Vec<_>>().join(", ")
                )));
            };
            return match *name {
                MANAGED_IDENTITY => managed_identity(values, values.text("client_id")?),
                name => single(name, values),
            };
        }
    };
    let links = names.into_iter().map(|name| Ok(Link { name, choice: link(name, values)? }));
    Ok(IdentityChoice::Chain(links.collect::<Result<_>>()?))
}

/// A link of the chain, or why it is out of the question. An error: it is configured, and wrongly.
fn link(name: &'static str, values: &Values<'_>) -> Result<Result<IdentityChoice, String>> {
    let absent = |keys: &[&'static str]| -> Result<Option<String>> {
        let missing = keys.iter().filter_map(|key| match values.text(key) {
            Ok(Some(_)) => None,
            Ok(None) => Some(Ok(*key)),
            Err(error) => Some(Err(error)),
        });
        let missing = missing.collect::<Result<Vec<_>>>()?;
        Ok((!missing.is_empty()).then(|| format!("{} not set", missing.join(" and "))))
    };
    let application_needs: &[&str] = match name {
        ENVIRONMENT if has_proof(values)? => &["tenant_id", "client_id"],
        ENVIRONMENT => &["tenant_id", "client_id", "client_secret"],
        WORKLOAD_IDENTITY => &["tenant_id", "client_id", "federated_token_file"],
        // Whatever is wrong with it must not stand in the way of another link.
        MANAGED_IDENTITY => {
            let made = managed_identity(values, values.text("client_id")?);
            return Ok(made.map_err(|error| error.message().to_owned()));
        }
        _ => return single(name, values).map(Ok),
    };
    match absent(application_needs)? {
        Some(reason) => Ok(Err(reason)),
        None => application(name, values).map(Ok),
    }
}

/// Whether there is a secret or a certificate.
fn has_proof(values: &Values<'_>) -> Result<bool> {
    let keys = ["client_secret_path", "certificate_path", "certificate", "certificate_thumbprint"];
    let given = keys.into_iter().map(|key| Ok(values.text(key)?.is_some())).collect::<Result<Vec<_>>>()?;
    Ok(given.contains(&true))
}

fn managed_identity(values: &Values<'_>, client_id: Option<&str>) -> Result<IdentityChoice> {
    let endpoint = values.required("imds_endpoint", "")?;
    check_endpoint("imds_endpoint", endpoint, Scheme::HttpNearby)?;
    // An address that was given is meant; only without one is the environment asked what this machine is.
    let host = match values.source("imds_endpoint")? {
        // Azure's own variable says where IMDS is, and nothing of what this machine is.
        None | Some(Source::Azures) => detect(values.environment, endpoint)?,
        Some(_) => Host::Imds { endpoint: endpoint.trim_end_matches('/').to_owned() },
    };
    let ids = [
        // Unless the chain asks, the caller leaves AZURE_CLIENT_ID out: it belongs to some service principal.
        client_id.map(|id| UserAssigned::Client(id.to_owned())),
        values.text("object_id")?.map(|id| UserAssigned::Object(id.to_owned())),
        values.text("resource_id")?.map(|id| UserAssigned::Resource(id.to_owned())),
    ];
    let mut given = ids.into_iter().flatten();
    let user_assigned = given.next();
    if given.next().is_some() {
        return Err(invalid(
            "client_id, object_id and resource_id each name a user-assigned identity: set one of them only.",
        ));
    }
    check_user_assigned(&host, user_assigned.as_ref())?;
    Ok(IdentityChoice::ManagedIdentity { host, user_assigned })
}

fn azure_cli(values: &Values<'_>) -> Result<IdentityChoice> {
    // The tenant of some service principal is not the developer's.
    let tenant_id = values.without_azure("tenant_id")?.map(str::to_owned);
    Ok(IdentityChoice::AzureCli {
        tenant_id,
        subscription: values.text("azure_cli_subscription")?.map(str::to_owned),
    })
}

fn azure_developer_cli(values: &Values<'_>) -> Result<IdentityChoice> {
    Ok(IdentityChoice::AzureDeveloperCli { tenant_id: values.without_azure("tenant_id")?.map(str::to_owned) })
}

fn custom(values: &Values<'_>) -> Result<IdentityChoice> {
    let callback = values.config.callbacks.token.clone();
    let callback =
        callback.ok_or_else(|| invalid("identity \"custom\" needs a token callback: pass one."))?;
    Ok(IdentityChoice::Custom(callback))
}

fn application(identity: &str, values: &Values<'_>) -> Result<IdentityChoice> {
    const WHY: &str = "a service principal needs it";
    proxy::check_environment(values)?;
    let of_pipelines = |name| values.environment.get(name).filter(|_| identity == "azure_pipelines");
    let required = |key, variable| match of_pipelines(variable) {
        Some(value) if values.source(key)? < Some(Source::Ours) => Ok(value),
        _ => values.required(key, WHY),
    };
    let tenant_id = required("tenant_id", "AZURESUBSCRIPTION_TENANT_ID")?.to_owned();
    if ["common", "organizations", "consumers"].contains(&tenant_id.as_str()) {
        return Err(invalid(format!(
            "tenant_id \"{tenant_id}\" is for people who sign in: a service principal needs the id or the \
             domain name of its own tenant."
        )));
    }
    Ok(IdentityChoice::Application(Arc::new(Application {
        authority_host: authority_host(values)?,
        tenant_id,
        client_id: required("client_id", "AZURESUBSCRIPTION_CLIENT_ID")?.to_owned(),
        proof: proof(identity, values, WHY)?,
    })))
}

fn authority_host(values: &Values<'_>) -> Result<String> {
    let cloud = values.required("cloud", "")?;
    let of_cloud = CLOUDS.iter().zip(AUTHORITIES).find(|(name, _)| **name == cloud);
    let host = values.text("authority_host")?.or(of_cloud.map(|(_, host)| *host));
    let host = host.ok_or_else(|| missing("authority_host", "the cloud has none"))?;
    check_endpoint("authority_host", host, Scheme::HttpsOnly)?;
    Ok(host.trim_end_matches('/').to_owned())
}

fn proof(identity: &str, values: &Values<'_>, why: &str) -> Result<Proof> {
    let file = |key| Ok(Proof::AssertionFile { key, path: PathBuf::from(values.required(key, "")?) });
    match identity {
        WORKLOAD_IDENTITY => workload_token(values),
        CLIENT_ASSERTION => match &values.config.callbacks.assertion {
            Some(callback) => Ok(Proof::Callback(callback.clone())),
            None => file("client_assertion_path"),
        },
        "azure_pipelines" => pipelines(values),
        _ => secret_or_certificate(values, why),
    }
}

fn workload_token(values: &Values<'_>) -> Result<Proof> {
    const KEY: &str = "federated_token_file";
    if let Some(path) = values.text(KEY)? {
        return Ok(Proof::AssertionFile { key: KEY, path: PathBuf::from(path) });
    }
    let hint = match values.environment.get(KUBERNETES) {
        Some(_) => "the pod has none: label it azure.workload.identity/use: \"true\" and start it anew",
        None => "only a pod of a cluster with workload identity has one by itself",
    };
    Err(missing(KEY, hint))
}

/// <https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity>
fn pipelines(values: &Values<'_>) -> Result<Proof> {
    let request_uri = values.required("oidc_request_uri", "Azure Pipelines sets it in a task")?;
    check_endpoint("oidc_request_uri", request_uri, Scheme::HttpNearby)?;
    let service_connection_id = values.required("service_connection_id", "it names who signs in")?;
    let access_token =
        values.required("system_access_token", "map it: SYSTEM_ACCESSTOKEN: $(System.AccessToken)")?;
    Ok(Proof::Pipelines(PipelineJob {
        request_uri: request_uri.to_owned(),
        service_connection_id: service_connection_id.to_owned(),
        access_token: Zeroizing::new(access_token.to_owned()),
    }))
}

/// A secret or a certificate. What has the higher standing wins; of Azure's own variables the secret does, as in
/// Microsoft's libraries.
fn secret_or_certificate(values: &Values<'_>, why: &str) -> Result<Proof> {
    let secret = place(values, "client_secret_path", "client_secret")?;
    let certificate = certificate(values)?;
    match (secret, certificate) {
        (Some((secret, of_secret)), Some((_, of_certificate))) if of_secret > of_certificate => {
            Ok(Proof::Secret(secret))
        }
        (Some((_, of_secret)), Some((certificate, of_certificate))) if of_secret < of_certificate => {
            Ok(Proof::Certificate(certificate))
        }
        (Some((secret, Source::Azures)), Some(_)) | (Some((secret, _)), None) => Ok(Proof::Secret(secret)),
        (None, Some((certificate, _))) => Ok(Proof::Certificate(certificate)),
        (Some(_), Some(_)) => Err(invalid(
            "A service principal has a client secret or a certificate: set client_secret, or certificate_path, not \
             both.",
        )),
        (None, None) => Err(missing("client_secret", &format!("{why}, or certificate_path"))),
    }
}

fn certificate(values: &Values<'_>) -> Result<Option<(CertificateFrom, Source)>> {
    let certificate = place(values, "certificate_path", "certificate")?;
    let private_key = place(values, "private_key_path", "private_key")?;
    let thumbprint = values.text("certificate_thumbprint")?;
    let of_thumbprint = values.source("certificate_thumbprint")?;
    let Some(source) = certificate.as_ref().map(|(_, source)| *source).max(of_thumbprint) else {
        return Ok(None);
    };
    if thumbprint.is_some() && private_key.is_none() {
        return Err(missing("private_key_path", "certificate_thumbprint alone proves nothing"));
    }
    let certificate = CertificateFrom {
        certificate: certificate.map(|(place, _)| place),
        private_key: private_key.map(|(place, _)| place),
        password: values.text("certificate_password")?.map(|text| Zeroizing::new(text.to_owned())),
        thumbprint: thumbprint.map(str::to_owned),
        send_chain: values.is_on("send_certificate_chain")?,
    };
    Ok(Some((certificate, source)))
}

/// Where one thing is that a file can hold or a value can be. What beats what holds also between the two: who sets
/// a path in code means it.
fn place(values: &Values<'_>, path: &'static str, value: &'static str) -> Result<Option<(Place, Source)>> {
    let file = values.text(path)?.zip(values.source(path)?);
    let file = file.map(|(file, source)| (Place::File { key: path, path: PathBuf::from(file) }, source));
    let given = values.text(value)?.zip(values.source(value)?);
    let given = given.map(|(text, source)| (Place::Value(Zeroizing::new(text.to_owned())), source));
    match (file, given) {
        (Some((_, of_file)), Some((_, of_value))) if of_file == of_value && of_file != Source::Ours => {
            Err(invalid(format!("{value} and {path} are two places for one thing: set one of them.")))
        }
        (Some((file, of_file)), Some((_, of_value))) if of_file > of_value => Ok(Some((file, of_file))),
        (file, given) => Ok(given.or(file)),
    }
}
