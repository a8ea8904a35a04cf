//! Who exists in the emulated tenant, and what each may do with the cache.

mod build;
mod description;

pub use description::DEFAULT_IDENTITIES;
pub(crate) use description::Description;

use crate::certificates::{CertificateFiles, ClientCertificate, GeneratedCertificate};
use crate::graph::GraphGrant;
use jsonwebtoken::DecodingKey;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// An identity: a managed one, the service principal of an application, or a user.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The name under which the environment shows it.
    pub(crate) name: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    pub(crate) kind: Kind,
    /// The access policy assignment, a name or rules; none means that the cache does not know the object id.
    pub(crate) access: Option<String>,
    /// Whether its tokens have the `oid` claim. Real ones do.
    pub(crate) has_oid: bool,
    /// What it may do in Graph.
    pub(crate) grant: GraphGrant,
    /// Its Azure role on the cache.
    pub(crate) azure_role: Option<String>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    SystemAssigned { resource_id: String },
    UserAssigned { resource_id: String },
    Application(Application),
    User(User),
}

/// Somebody.
#[derive(Debug)]
pub(crate) struct User {
    /// What she signs in with.
    pub(crate) principal_name: String,
    pub(crate) password: Option<ClientSecret>,
    /// Whether she is an administrator, whose password not everybody may reset.
    pub(crate) is_admin: bool,
    /// Whether a password is not enough to sign in.
    pub(crate) second_factor: bool,
}

/// An application's credentials.
#[derive(Debug, Default)]
pub(crate) struct Application {
    /// The object id of the registration; the identity's own is that of its service principal.
    pub(crate) object_id: String,
    pub(crate) disabled: bool,
    pub(crate) secrets: Vec<ClientSecret>,
    /// The certificates that the file of identities names.
    pub(crate) certificates: Vec<ClientCertificate>,
    /// The certificate that the emulator makes.
    pub(crate) generated: Option<Box<GeneratedCertificate>>,
    pub(crate) federated: Vec<Federated>,
}

pub(crate) struct ClientSecret {
    pub(crate) value: String,
    /// Since the Unix epoch.
    pub(crate) expires: Option<Duration>,
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// A federated credential: the issuer, subject and audience of the tokens that stand for the application.
#[derive(Clone, Debug)]
pub(crate) struct Federated {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audience: String,
    /// The Azure Pipelines service connection that gives such tokens.
    pub(crate) service_connection: Option<String>,
}

/// The tenant.
pub(crate) struct Directory {
    pub(crate) tenant_id: String,
    pub(crate) identities: Vec<Identity>,
    /// The object id of the user who is signed in to Cloud Shell.
    pub(crate) signed_in: Option<String>,
    /// The keys of issuers whose tokens the emulator does not sign itself, by their URL.
    pub(crate) issuer_keys: BTreeMap<String, DecodingKey>,
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("identities", &self.identities).finish_non_exhaustive()
    }
}

/// How a request chooses a managed identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice<'a> {
    /// The one that belongs to the machine, or the only one there is.
    Default,
    Client(&'a str),
    Object(&'a str),
    Resource(&'a str),
}

/// Why there is no managed identity to answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookupError {
    NotFound,
    /// No identity was named, and there are several user-assigned ones.
    Several,
}

impl Identity {
    pub(crate) fn resource_id(&self) -> Option<&str> {
        match &self.kind {
            Kind::SystemAssigned { resource_id } | Kind::UserAssigned { resource_id } => Some(resource_id),
            Kind::Application(_) | Kind::User(_) => None,
        }
    }

    /// The identity's kind in the log.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.kind {
            Kind::SystemAssigned { .. } | Kind::UserAssigned { .. } => "managed identity",
            Kind::Application(_) => "service principal",
            Kind::User(_) => "user",
        }
    }

    pub(crate) fn application(&self) -> Option<&Application> {
        match &self.kind {
            Kind::Application(application) => Some(application),
            _ => None,
        }
    }
}

impl Application {
    /// The certificates by which the application can prove its identity now.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &ClientCertificate> {
        let generated = self.generated.as_deref().and_then(GeneratedCertificate::made);
        self.certificates.iter().chain(generated)
    }

    /// Where one of its certificates and its key are, if that is known.
    pub(crate) fn certificate_files(&self) -> Option<CertificateFiles> {
        let given = self.certificates.iter().find_map(|certificate| certificate.files.clone());
        given.or_else(|| self.generated.as_deref().map(GeneratedCertificate::files))
    }
}

impl Directory {
    /// The identities that have an access policy: name, object id, and the policy as it was given.
    pub(crate) fn access_assignments(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.identities.iter().filter_map(|identity| {
            Some((identity.name.as_str(), identity.object_id.as_str(), identity.access.as_deref()?))
        })
    }

    pub(crate) fn managed(&self, choice: Choice<'_>) -> Result<&Identity, LookupError> {
        let mut managed = self.identities.iter().filter(|identity| identity.resource_id().is_some());
        let same = |mine: &str, asked: &str| mine.eq_ignore_ascii_case(asked);
        let found = match choice {
            Choice::Default => return self.default_managed(),
            Choice::Client(id) => managed.find(|identity| same(&identity.client_id, id)),
            Choice::Object(id) => managed.find(|identity| same(&identity.object_id, id)),
            Choice::Resource(id) => {
                managed.find(|identity| identity.resource_id().is_some_and(|mine| same(mine, id)))
            }
        };
        found.ok_or(LookupError::NotFound)
    }

    fn default_managed(&self) -> Result<&Identity, LookupError> {
        let system = |identity: &&Identity| matches!(identity.kind, Kind::SystemAssigned { .. });
        let mut user_assigned =
            self.identities.iter().filter(|identity| matches!(identity.kind, Kind::UserAssigned { .. }));
        if let Some(system) = self.identities.iter().find(system) {
            return Ok(system);
        }
        match (user_assigned.next(), user_assigned.next()) {
            (Some(only), None) => Ok(only),
            (None, _) => Err(LookupError::NotFound),
            (Some(_), Some(_)) => Err(LookupError::Several),
        }
    }

    /// Who is signed in to Cloud Shell.
    pub(crate) fn user(&self) -> Option<&Identity> {
        let signed_in = self.signed_in.as_deref()?;
        self.users().map(|(identity, _)| identity).find(|identity| identity.object_id == signed_in)
    }

    pub(crate) fn users(&self) -> impl Iterator<Item = (&Identity, &User)> {
        self.identities.iter().filter_map(|identity| match &identity.kind {
            Kind::User(user) => Some((identity, user)),
            _ => None,
        })
    }

    /// The applications, with their service principals.
    pub(crate) fn applications(&self) -> impl Iterator<Item = (&Identity, &Application)> {
        self.identities.iter().filter_map(|identity| Some((identity, identity.application()?)))
    }

    /// The credential that a service connection stands for, with its application.
    pub(crate) fn service_connection(&self, id: Option<&str>) -> Option<(&Identity, &Federated)> {
        self.applications().find_map(|(identity, application)| {
            let matching = |federated: &&Federated| {
                federated
                    .service_connection
                    .as_deref()
                    .is_some_and(|mine| id.is_none_or(|id| mine.eq_ignore_ascii_case(id)))
            };
            Some((identity, application.federated.iter().find(matching)?))
        })
    }

    /// The first federated credential that a workload's token file can be for.
    pub(crate) fn workload(&self) -> Option<(&Identity, &Federated)> {
        self.applications().find_map(|(identity, application)| {
            let ours = |federated: &&Federated| {
                federated.service_connection.is_none() && !self.issuer_keys.contains_key(&federated.issuer)
            };
            Some((identity, application.federated.iter().find(ours)?))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(text: &str) -> Directory {
        let description: Description = Description::parse_toml(text).unwrap();
        description.build_for_tests().unwrap()
    }

    fn managed(kind: &str, number: u8) -> String {
        format!(
            "[[managed_identities]]\nname='m{number}'\nkind='{kind}'\nclient_id='c{number}'\nobject_id='o{number}'\n\
             resource_id='/r/{number}'\n"
        )
    }

    #[test]
    fn without_an_id_the_machines_own_identity_answers_or_the_only_one() {
        let name =
            |text: &str| directory(text).managed(Choice::Default).map(|identity| identity.name.clone());
        let head = "tenant_id='t'\n";
        let (system, one, two) = (managed("system", 1), managed("user", 2), managed("user", 3));
        assert_eq!(name(&format!("{head}{one}{system}{two}")), Ok("m1".to_owned()));
        assert_eq!(name(&format!("{head}{one}")), Ok("m2".to_owned()));
        assert_eq!(name(&format!("{head}{one}{two}")), Err(LookupError::Several));
        assert_eq!(name(head), Err(LookupError::NotFound));
    }

    #[test]
    fn each_id_finds_its_identity_whatever_its_letters_case_and_no_other() {
        let directory = directory(&format!("tenant_id='t'\n{}{}", managed("user", 2), managed("user", 3)));
        let name = |choice| directory.managed(choice).map(|identity| identity.name.as_str());
        assert_eq!(name(Choice::Client("C3")), Ok("m3"));
        assert_eq!(name(Choice::Object("O2")), Ok("m2"));
        assert_eq!(name(Choice::Resource("/R/3")), Ok("m3"));
        assert_eq!(name(Choice::Client("o2")), Err(LookupError::NotFound));
        assert_eq!(name(Choice::Object("c2")), Err(LookupError::NotFound));
    }
}
