//! How an application proves that it is itself.

use super::hints::{note_on_proof, why_pod_lacks};
use crate::config::endpoint::{Scheme, check_endpoint, check_header};
use crate::config::names::{AZURE_PIPELINES, CLIENT_ASSERTION, WORKLOAD_IDENTITY};
use crate::config::value::{Origin, Value};
use crate::config::values::Values;
use crate::error::{Error, Result};
use crate::request::HostCallback;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What an application shows.
pub(crate) enum Proof {
    Secret(SecretLocation),
    /// A JWT that is signed here.
    Certificate(CertificateSettings),
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
pub(crate) enum SecretLocation {
    /// In the configuration itself.
    Inline(Zeroizing<String>),
    /// Read anew for each request: what rotates secrets replaces the file. `key` names it in the configuration.
    File { key: &'static str, path: PathBuf },
}

/// A certificate with its private key.
pub(crate) struct CertificateSettings {
    /// None if only its thumbprint is known.
    pub(crate) certificate: Option<SecretLocation>,
    /// None if it stands beside the certificate.
    pub(crate) private_key: Option<SecretLocation>,
    pub(crate) password: Option<Zeroizing<String>>,
    pub(crate) thumbprint: Option<String>,
    pub(crate) send_chain: bool,
}

impl Proof {
    pub(super) fn resolve(identity: &str, values: &Values<'_>) -> Result<Self> {
        match identity {
            WORKLOAD_IDENTITY => workload_token(values),
            CLIENT_ASSERTION => client_assertion(values),
            AZURE_PIPELINES => pipelines(values),
            _ => secret_or_certificate(values),
        }
    }

    /// The secrets that the configuration itself holds, as far as they are sent. (Private keys go nowhere.)
    pub(super) fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Secret(SecretLocation::Inline(secret)) => vec![secret],
            Self::Certificate(settings) => settings.password.iter().map(|it| it.as_str()).collect(),
            Self::Pipelines(job) => vec![&job.access_token],
            Self::Secret(SecretLocation::File { .. }) | Self::AssertionFile { .. } | Self::Callback(_) => {
                Vec::new()
            }
        }
    }

    /// The configuration keys that the proof was made of.
    pub(super) fn keys(&self) -> Vec<&'static str> {
        match self {
            Self::Secret(location) => vec![location.key("client_secret")],
            Self::AssertionFile { key, .. } => vec![key],
            Self::Certificate(CertificateSettings { certificate, private_key, .. }) => {
                let certificate = certificate.iter().map(|location| location.key("certificate"));
                let private_key = private_key.iter().map(|location| location.key("private_key"));
                let others = ["certificate_password", "certificate_thumbprint"];
                certificate.chain(private_key).chain(others).collect()
            }
            Self::Callback(_) => Vec::new(),
            Self::Pipelines(_) => vec!["service_connection_id", "system_access_token"],
        }
    }
}

impl SecretLocation {
    /// The configuration key that was set; `inline`: the one for the secret itself.
    fn key(&self, inline: &'static str) -> &'static str {
        match self {
            Self::Inline(_) => inline,
            Self::File { key, .. } => key,
        }
    }
}

fn workload_token(values: &Values<'_>) -> Result<Proof> {
    const KEY: &str = "federated_token_file";
    match values.text(KEY)? {
        Some(path) => Ok(Proof::AssertionFile { key: KEY, path: PathBuf::from(path) }),
        None => Err(values.missing(KEY, &why_pod_lacks(KEY, values)?)),
    }
}

fn client_assertion(values: &Values<'_>) -> Result<Proof> {
    const KEY: &str = "client_assertion_path";
    if let Some(callback) = values.config.assertion_callback() {
        return Ok(Proof::Callback(HostCallback::new("assertion", callback.clone())));
    }
    let path = values.required(KEY, "it names the assertion; else pass an assertion callback")?;
    Ok(Proof::AssertionFile { key: KEY, path: PathBuf::from(path.text) })
}

/// <https://learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity>
fn pipelines(values: &Values<'_>) -> Result<Proof> {
    let request_uri = values.required("oidc_request_uri", "Azure Pipelines sets it in each step of a job")?;
    check_endpoint(&request_uri.label(), request_uri.text, Scheme::HttpNearby)?;
    let service_connection_id =
        values.required("service_connection_id", "it names who signs in; AzureCLI@2 and its like set it")?;
    let access_token =
        values.required("system_access_token", "map it: SYSTEM_ACCESSTOKEN: $(System.AccessToken)")?;
    check_header(&access_token.label(), access_token.text)?;
    Ok(Proof::Pipelines(PipelineJob {
        request_uri: request_uri.text.to_owned(),
        service_connection_id: service_connection_id.text.to_owned(),
        access_token: Zeroizing::new(access_token.text.to_owned()),
    }))
}

/// A secret or a certificate. The one with the origin of higher standing wins. If both come from Azure's own variables, the
/// secret wins, as in Microsoft's libraries.
fn secret_or_certificate(values: &Values<'_>) -> Result<Proof> {
    let secret = location(values, "client_secret_path", "client_secret")?;
    let certificate = certificate(values)?;
    match (secret, certificate) {
        (Some((secret, of_secret)), Some((_, of_certificate))) if of_secret > of_certificate => {
            Ok(Proof::Secret(secret))
        }
        (Some((_, of_secret)), Some((certificate, of_certificate))) if of_secret < of_certificate => {
            Ok(Proof::Certificate(certificate))
        }
        (Some((secret, Origin::AzureVariable)), Some(_)) | (Some((secret, _)), None) => {
            Ok(Proof::Secret(secret))
        }
        (None, Some((certificate, _))) => Ok(Proof::Certificate(certificate)),
        (Some(_), Some(_)) => Err(Error::invalid_config(format!(
            "A service principal has a client secret or a certificate: set client_secret, or certificate_path, not \
             both. There are {}.",
            labels(
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
            Err(error.with_sentence(&note_on_proof(values)?))
        }
    }
}

/// The certificate, and the origin that decides whether it wins over a secret.
fn certificate(values: &Values<'_>) -> Result<Option<(CertificateSettings, Origin)>> {
    let certificate = location(values, "certificate_path", "certificate")?;
    let private_key = location(values, "private_key_path", "private_key")?;
    let thumbprint = values.value("certificate_thumbprint")?;
    let of_certificate = certificate.as_ref().map(|(_, origin)| *origin);
    let Some(origin) = of_certificate.max(thumbprint.map(|value| value.origin)) else {
        return Ok(None);
    };
    if thumbprint.is_some() && private_key.is_none() {
        return Err(values.missing("private_key_path", "certificate_thumbprint alone proves nothing"));
    }
    let certificate = CertificateSettings {
        certificate: certificate.map(|(location, _)| location),
        private_key: private_key.map(|(location, _)| location),
        password: values.text("certificate_password")?.map(|text| Zeroizing::new(text.to_owned())),
        thumbprint: thumbprint.map(|value| value.text.to_owned()),
        send_chain: values.flag("send_certificate_chain")?,
    };
    Ok(Some((certificate, origin)))
}

/// Where a secret is that has two keys: one for the path of its file, one for the secret itself. The key with the origin of
/// higher standing wins: who sets a path in code means it.
fn location(
    values: &Values<'_>,
    path: &'static str,
    inline: &'static str,
) -> Result<Option<(SecretLocation, Origin)>> {
    let (file, text) = (values.value(path)?, values.value(inline)?);
    match (file, text) {
        (Some(file), Some(text)) if file.origin == text.origin && file.origin != Origin::OurVariable => {
            Err(Error::invalid_config(format!(
                "{} are two places for one thing: set one of them.",
                labels(values, &[inline, path])?
            )))
        }
        (Some(file), text) if text.is_none_or(|text| file.origin > text.origin) => {
            let location = SecretLocation::File { key: path, path: PathBuf::from(file.text) };
            Ok(Some((location, file.origin)))
        }
        (_, text) => Ok(text.map(|value| (inline_secret(&value), value.origin))),
    }
}

fn inline_secret(value: &Value<'_>) -> SecretLocation {
    SecretLocation::Inline(Zeroizing::new(value.text.to_owned()))
}

/// Those of the keys that are set, with what sets them.
fn labels(values: &Values<'_>, keys: &[&'static str]) -> Result<String> {
    let values = keys.iter().map(|key| values.value(key)).collect::<Result<Vec<_>>>()?;
    Ok(values.iter().flatten().map(Value::label).collect::<Vec<_>>().join(" and "))
}

/// Whether there is a secret's file or a certificate.
pub(super) fn has_proof(values: &Values<'_>) -> Result<bool> {
    let keys = ["client_secret_path", "certificate_path", "certificate", "certificate_thumbprint"];
    let texts = keys.into_iter().map(|key| Ok(values.text(key)?.is_some())).collect::<Result<Vec<_>>>()?;
    Ok(texts.contains(&true))
}
