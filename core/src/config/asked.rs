//! What an identity asks with, and where each value came from: for the error when it is refused. A value is often
//! somebody else's, or a template's that nobody filled in, and only its place says where to correct it.

use super::proof::{CertificateFrom, Place, Proof};
use super::values::{Given, Source, Values};
use crate::error::{Error, ErrorKind, Result};

/// Sentences to add to an error.
#[derive(Default)]
pub(crate) struct Asked {
    /// When what was asked for is refused.
    of_refusal: String,
    /// When nobody is there to answer.
    of_absence: String,
    /// A tool fails for many reasons, and the sentence is about one of them.
    only_of_tenant: bool,
}

impl Asked {
    /// With these keys, as far as they are set, and a sentence about what was passed over.
    fn with(values: &Values<'_>, keys: &[&'static str], passed_over: &str) -> Result<Self> {
        let given = keys.iter().map(|key| values.given(key)).collect::<Result<Vec<_>>>()?;
        let set = given.into_iter().flatten().filter(|given| given.source.is_some());
        Ok(Self { of_refusal: sentences(set, &[passed_over, &of_entry(values)]), ..Self::default() })
    }

    pub(super) fn as_application(values: &Values<'_>, ids: [Given<'_>; 2], proof: &Proof) -> Result<Self> {
        let keys = [&["cloud", "authority_host", "scope"], keys(proof).as_slice()].concat();
        let is_secret = matches!(proof, Proof::Secret(_));
        let passed_over = match values.source("certificate_path")? {
            Some(Source::Azures) if is_secret => format!(
                "{} is set too, and not read beside a client secret.",
                values.named("certificate_path")?
            ),
            _ => String::new(),
        };
        let of_proof = Self::with(values, &keys, &passed_over)?;
        let of_ids = sentences(ids.into_iter(), &[]);
        Ok(Self { of_refusal: joined(&[&of_ids, &of_proof.of_refusal]), ..of_proof })
    }

    /// `id`: the key that names the identity, if one does.
    pub(super) fn as_managed_identity(
        values: &Values<'_>,
        id: Option<Given<'_>>,
        of_absence: String,
    ) -> Result<Self> {
        let unread = match values.environment.get("AZURE_CLIENT_ID") {
            Some(_) if id.is_none() && !values.file.is_entry => {
                "AZURE_CLIENT_ID is set, and not read for identity managed_identity: it usually is some service \
                 principal's. If it names the identity that is meant, set client_id to the same."
            }
            _ => "",
        };
        let scope = values.given("scope")?.filter(|scope| scope.source.is_some());
        let of_refusal = sentences(id.into_iter().chain(scope), &[unread, &of_entry(values)]);
        Ok(Self { of_refusal, of_absence, only_of_tenant: false })
    }

    pub(super) fn as_tool(values: &Values<'_>, name: &str, tenant: Option<Given<'_>>) -> Self {
        let unread = match values.environment.get("AZURE_TENANT_ID") {
            Some(_) if tenant.is_none() => {
                format!(
                    "AZURE_TENANT_ID is set, and not read for identity {name}: set tenant_id if it is meant."
                )
            }
            _ => String::new(),
        };
        let of_refusal = sentences(tenant.into_iter(), &[&unread]);
        Self { of_refusal, only_of_tenant: true, ..Self::default() }
    }

    /// The error with what explains it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let is_of_tenant = || ["tenant", "AADSTS"].iter().any(|word| error.message().contains(word));
        match error.kind() {
            _ if self.only_of_tenant && !is_of_tenant() => error,
            ErrorKind::AuthRejected | ErrorKind::IdentityUnavailable | ErrorKind::InvalidConfig => {
                error.with_sentence(&self.of_refusal)
            }
            ErrorKind::Network | ErrorKind::Timeout | ErrorKind::BadResponse => {
                error.with_sentence(&self.of_absence)
            }
            _ => error,
        }
    }
}

/// The keys that a proof was made of.
fn keys(proof: &Proof) -> Vec<&'static str> {
    let place = |place: &Option<Place>, value| match place {
        Some(Place::File { key, .. }) => Some(*key),
        Some(Place::Value(_)) => Some(value),
        None => None,
    };
    match proof {
        Proof::Secret(Place::Value(_)) => vec!["client_secret"],
        Proof::Secret(Place::File { key, .. }) | Proof::AssertionFile { key, .. } => vec![key],
        Proof::Certificate(CertificateFrom { certificate, private_key, .. }) => {
            let of_files = [place(certificate, "certificate"), place(private_key, "private_key")];
            let others = ["certificate_password", "certificate_thumbprint"];
            of_files.into_iter().flatten().chain(others).collect()
        }
        Proof::Callback(_) => Vec::new(),
        Proof::Pipelines(_) => vec!["service_connection_id", "system_access_token"],
    }
}

/// Azure's variables that a store's entry keeps out.
fn of_entry(values: &Values<'_>) -> String {
    match values.kept_out().as_slice() {
        [] => String::new(),
        [one] => format!("{one} is set, and not read beside a secret store's entry."),
        several => format!("{} are set, and not read beside a secret store's entry.", several.join(", ")),
    }
}

fn sentences<'a>(given: impl Iterator<Item = Given<'a>>, more: &[&str]) -> String {
    let given: Vec<_> = given.map(|given| given.shown()).collect();
    let given = if given.is_empty() { String::new() } else { format!("Asked with {}.", given.join(", ")) };
    joined(&[&[given.as_str()], more].concat())
}

fn joined(sentences: &[&str]) -> String {
    let some = sentences.iter().copied().filter(|sentence| !sentence.is_empty());
    some.collect::<Vec<_>>().join(" ")
}
