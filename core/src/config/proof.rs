//! An application (service principal) and how it proves that it is itself.

use super::asked::Asked;
use super::choice::{IdentityChoice, WORKLOAD_IDENTITY};
use super::endpoint::{Scheme, check_endpoint, check_header};
use super::hints;
use super::proxy::Proxies;
use super::values::{Given, Source, Values, invalid};
use crate::error::Result;
use crate::request::HostCallback;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// An application in its tenant.
pub(crate) struct Application {
    pub(crate) authority_host: String,
    pub(crate) tenant_id: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
    pub(crate) asked: Arc<Asked>,
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

impl Proof {
    /// What is there before the first request. (Private keys go nowhere.)
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Secret(Place::Value(secret)) => vec![secret],
            Self::Certificate(from) => from.password.iter().map(|password| password.as_str()).collect(),
            Self::Pipelines(job) => vec![&job.access_token],
            Self::Secret(Place::File { .. }) | Self::AssertionFile { .. } | Self::Callback(_) => Vec::new(),
        }
    }
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

pub(super) const CLIENT_ASSERTION: &str = "client_assertion";
pub(super) const AZURE_PIPELINES: &str = "azure_pipelines";

/// Entra's address in each cloud.
/// <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>
pub(super) const CLOUDS: &[&str] = &["public", "china", "us_government"];
const AUTHORITIES: &[&str] = &[
    "https://login.microsoftonline.com",
    "https://login.partner.microsoftonline.cn",
    "https://login.microsoftonline.us",
];

pub(super) fn application(identity: &str, values: &Values<'_>) -> Result<IdentityChoice> {
    let tenant = id("tenant_id", identity, values)?;
    if ["common", "organizations", "consumers"].contains(&tenant.text) {
        return Err(invalid(format!(
            "{} is for people who sign in: a service principal needs the id or the domain name of its own tenant.",
            tenant.shown()
        )));
    }
    if !is_tenant(tenant.text) {
        return Err(invalid(format!(
            "{} is neither the id of a tenant nor a domain name: it has letters, digits, - and . only.",
            tenant.named()
        )));
    }
    let client = id("client_id", identity, values)?;
    let authority_host = authority_host(values)?;
    Proxies::resolve(values)?.check(&authority_host)?;
    let proof = proof(identity, values)?;
    let asked = Arc::new(Asked::as_application(values, [tenant, client], &proof)?);
    let (tenant_id, client_id) = (tenant.text.to_owned(), client.text.to_owned());
    let application = Application { authority_host, tenant_id, client_id, proof, asked };
    Ok(IdentityChoice::Application(Arc::new(application)))
}

/// An id of the application. In a task of Azure Pipelines its own variable comes before Azure's.
fn id<'a>(key: &'static str, identity: &str, values: &Values<'a>) -> Result<Given<'a>> {
    let of_task = match (identity, key) {
        (AZURE_PIPELINES, "tenant_id") => values.of_variable(key, "AZURESUBSCRIPTION_TENANT_ID")?,
        (AZURE_PIPELINES, _) => values.of_variable(key, "AZURESUBSCRIPTION_CLIENT_ID")?,
        _ => None,
    };
    match of_task {
        Some(given) if values.source(key)? < Some(Source::Ours) => Ok(given),
        _ => match values.given(key)? {
            Some(given) => Ok(given),
            None => Err(values.missing(key, &hints::of_id(identity, key, values)?)),
        },
    }
}

/// It becomes a part of a path: `.` and `..` would go out as a path without it.
fn is_tenant(text: &str) -> bool {
    text.len() <= 253
        && text.contains(|c: char| c.is_ascii_alphanumeric())
        && !text.contains("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

fn authority_host(values: &Values<'_>) -> Result<String> {
    let cloud = values.required("cloud", "")?;
    let of_cloud = CLOUDS.iter().zip(AUTHORITIES).find(|(name, _)| **name == cloud);
    let host = values.text("authority_host")?.or(of_cloud.map(|(_, host)| *host));
    let host = host.ok_or_else(|| values.missing("authority_host", "the cloud has none"))?;
    let named = values.named("authority_host")?;
    // Microsoft's libraries take a name alone too.
    let host = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    check_endpoint(&named, &host, Scheme::HttpsOnly)?;
    let rest = host.trim_end_matches('/').trim_start_matches("https://");
    if rest.contains(['/', '?', '#', '@']) {
        return Err(invalid(format!("{named} is scheme and host only; the tenant goes into tenant_id.")));
    }
    Ok(host.trim_end_matches('/').to_owned())
}

fn proof(identity: &str, values: &Values<'_>) -> Result<Proof> {
    match identity {
        WORKLOAD_IDENTITY => workload_token(values),
        CLIENT_ASSERTION => match &values.config.callbacks.assertion {
            Some(callback) => Ok(Proof::Callback(HostCallback::new("assertion", callback.clone()))),
            None => {
                let key = "client_assertion_path";
                let path = values.required(key, "it names the assertion; else pass an assertion callback")?;
                Ok(Proof::AssertionFile { key, path: PathBuf::from(path) })
            }
        },
        AZURE_PIPELINES => pipelines(values),
        _ => secret_or_certificate(values),
    }
}

fn workload_token(values: &Values<'_>) -> Result<Proof> {
    const KEY: &str = "federated_token_file";
    match values.text(KEY)? {
        Some(path) => Ok(Proof::AssertionFile { key: KEY, path: PathBuf::from(path) }),
        None => Err(values.missing(KEY, &hints::of_workload(KEY, values)?)),
    }
}

/// <https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity>
fn pipelines(values: &Values<'_>) -> Result<Proof> {
    let request_uri = values.required("oidc_request_uri", "Azure Pipelines sets it in each step of a job")?;
    check_endpoint(&values.named("oidc_request_uri")?, request_uri, Scheme::HttpNearby)?;
    Proxies::resolve(values)?.check(request_uri)?;
    let service_connection_id =
        values.required("service_connection_id", "it names who signs in; AzureCLI@2 and its like set it")?;
    let access_token =
        values.required("system_access_token", "map it: SYSTEM_ACCESSTOKEN: $(System.AccessToken)")?;
    check_header(&values.named("system_access_token")?, access_token)?;
    Ok(Proof::Pipelines(PipelineJob {
        request_uri: request_uri.to_owned(),
        service_connection_id: service_connection_id.to_owned(),
        access_token: Zeroizing::new(access_token.to_owned()),
    }))
}

/// A secret or a certificate. What has the higher standing wins; of Azure's own variables the secret does, as in
/// Microsoft's libraries.
fn secret_or_certificate(values: &Values<'_>) -> Result<Proof> {
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
        (Some(_), Some(_)) => Err(invalid(format!(
            "A service principal has a client secret or a certificate: set client_secret, or certificate_path, not \
             both. There are {}.",
            set_of(
                values,
                &[
                    "client_secret",
                    "client_secret_path",
                    "certificate",
                    "certificate_path",
                    "certificate_thumbprint"
                ]
            )?
        ))),
        (None, None) => {
            let error = values.missing("client_secret", "a service principal needs it, or certificate_path");
            Err(error.with_sentence(&hints::of_proof(values)?))
        }
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
        return Err(values.missing("private_key_path", "certificate_thumbprint alone proves nothing"));
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
            Err(invalid(format!(
                "{} are two places for one thing: set one of them.",
                set_of(values, &[value, path])?
            )))
        }
        (Some((file, of_file)), Some((_, of_value))) if of_file > of_value => Ok(Some((file, of_file))),
        (file, given) => Ok(given.or(file)),
    }
}

/// Those of the keys that are set, with what sets them.
fn set_of(values: &Values<'_>, keys: &[&'static str]) -> Result<String> {
    let given = keys.iter().map(|key| values.given(key)).collect::<Result<Vec<_>>>()?;
    Ok(given.iter().flatten().map(Given::named).collect::<Vec<_>>().join(" and "))
}

/// Whether there is a secret or a certificate.
pub(super) fn has_proof(values: &Values<'_>) -> Result<bool> {
    let keys = ["client_secret_path", "certificate_path", "certificate", "certificate_thumbprint"];
    let given = keys.into_iter().map(|key| Ok(values.text(key)?.is_some())).collect::<Result<Vec<_>>>()?;
    Ok(given.contains(&true))
}
