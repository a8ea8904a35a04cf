//! Makes the tenant's directory from the file of identities.

use super::description::{self, Description};
use super::{Application, ClientSecret, Directory, Federated, Identity, Kind, User};
use crate::Error;
use crate::certificates::{CertificateFiles, ClientCertificate, GeneratedCertificate};
use crate::graph::GraphGrant;
use crate::home::Home;
use jsonwebtoken::DecodingKey;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The application as which Azure's portal signs in.
const PORTAL: &str = "b677c290-cf4b-4a8e-a60e-91ba650a4abe";

impl Description {
    /// `authority` is Entra's own address; certificates that are made go to `home`.
    pub(crate) fn build(self, authority: &str, home: &Arc<Home>) -> Result<Directory, Error> {
        let Self { tenant_id, managed_identities, apps, user, users, issuers, folder } = self;
        let mut identities: Vec<Identity> = managed_identities.into_iter().map(managed).collect();
        for app in apps {
            identities.push(application(app, authority, &folder, home)?);
        }
        let signed_in = user.as_ref().map(|user| user.object_id.clone());
        identities.extend(user.into_iter().chain(users).map(person));
        check(&identities)?;
        let issuer_keys = issuers.into_iter().map(|issuer| {
            let path = folder.join(issuer.public_key);
            let pem = read(&path)?;
            let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| {
                Error::new(format!("{} is not an RSA public key: {error}", path.display()))
            })?;
            Ok((issuer.url, key))
        });
        Ok(Directory {
            tenant_id,
            identities,
            signed_in,
            issuer_keys: issuer_keys.collect::<Result<_, Error>>()?,
        })
    }
}

fn access(policy: String) -> Option<String> {
    (!policy.eq_ignore_ascii_case("none")).then_some(policy)
}

fn managed(entry: description::Managed) -> Identity {
    let resource_id = entry.resource_id;
    Identity {
        name: entry.name,
        client_id: entry.client_id,
        object_id: entry.object_id,
        kind: match entry.kind {
            description::ManagedKind::System => Kind::SystemAssigned { resource_id },
            description::ManagedKind::User => Kind::UserAssigned { resource_id },
        },
        access: access(entry.access),
        has_oid: entry.oid_claim,
        grant: entry.graph,
        azure_role: entry.azure_role,
    }
}

fn person(entry: description::User) -> Identity {
    let principal_name = entry.principal_name.unwrap_or_else(|| format!("{}@emulated.example", entry.name));
    Identity {
        name: entry.name,
        client_id: PORTAL.to_owned(),
        object_id: entry.object_id,
        kind: Kind::User(User {
            principal_name,
            password: entry.password.map(|value| ClientSecret { value, expires: None }),
            is_admin: entry.admin,
            second_factor: entry.second_factor,
        }),
        access: access(entry.access),
        has_oid: true,
        grant: GraphGrant::default(),
        azure_role: None,
    }
}

/// A UUID that is the same at each start, for a registration that the file gives none.
fn derived_id(client_id: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, client_id.to_ascii_lowercase().as_bytes());
    let hex: String = digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn application(
    entry: description::App,
    authority: &str,
    folder: &Path,
    home: &Arc<Home>,
) -> Result<Identity, Error> {
    let (mut certificates, mut generated) = (Vec::new(), None);
    for wanted in entry.certificates {
        match certificate(&entry.name, wanted, folder)? {
            Some(given) => certificates.push(given),
            None if generated.is_none() => {
                generated = Some(Box::new(GeneratedCertificate::new(&entry.name, home)))
            }
            None => {
                let name = entry.name;
                return Err(Error::new(format!("the app '{name}' wants more than one certificate made")));
            }
        }
    }
    let federated = entry.federated.into_iter().map(|federated| Federated {
        // A name instead of a URL is an issuer that the emulator plays itself.
        issuer: match federated.issuer.contains("://") {
            true => federated.issuer,
            false => format!("{authority}/issuers/{}", federated.issuer),
        },
        subject: federated.subject,
        audience: federated.audience,
        service_connection: federated.service_connection,
    });
    Ok(Identity {
        object_id: entry.object_id,
        kind: Kind::Application(Application {
            object_id: entry.application_object_id.unwrap_or_else(|| derived_id(&entry.client_id)),
            disabled: entry.disabled,
            secrets: entry
                .secrets
                .into_iter()
                .map(|wanted| secret(&entry.name, wanted))
                .collect::<Result<_, _>>()?,
            certificates,
            generated,
            federated: federated.collect(),
        }),
        access: access(entry.access),
        has_oid: entry.oid_claim,
        grant: entry.graph,
        azure_role: entry.azure_role,
        client_id: entry.client_id,
        name: entry.name,
    })
}

fn secret(app: &str, entry: description::Secret) -> Result<ClientSecret, Error> {
    let (value, expires) = match entry {
        description::Secret::Text(value) => (value, None),
        description::Secret::Limited(limited) => (limited.value, limited.expires),
    };
    let moment = |text: String| {
        let parsed = humantime::parse_rfc3339(&text)
            .ok()
            .and_then(|time: SystemTime| time.duration_since(UNIX_EPOCH).ok());
        parsed.ok_or_else(|| {
            Error::new(format!("a secret of the app '{app}' expires at '{text}': write 2030-01-31T12:00:00Z"))
        })
    };
    Ok(ClientSecret { value, expires: expires.map(moment).transpose()? })
}

/// None if the emulator is to make the certificate.
fn certificate(
    app: &str,
    entry: description::Certificate,
    folder: &Path,
) -> Result<Option<ClientCertificate>, Error> {
    match (entry.file, entry.generate) {
        (Some(file), false) => {
            let path = folder.join(file);
            let files = entry.private_key.map(|key| CertificateFiles {
                certificate: path.clone(),
                private_key: folder.join(key),
                both: None,
            });
            let read = ClientCertificate::from_pem(&read(&path)?, files);
            read.map(Some).map_err(|reason| {
                Error::new(format!("{} is no certificate for an app: {reason}", path.display()))
            })
        }
        (None, true) => Ok(None),
        _ => {
            Err(Error::new(format!("a certificate of the app '{app}' needs either file or generate = true")))
        }
    }
}

fn read(path: &PathBuf) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))
}

/// Two of a kind would make an answer depend on the order in the file.
fn check(identities: &[Identity]) -> Result<(), Error> {
    let (mut names, mut objects) = (BTreeSet::new(), BTreeSet::new());
    for identity in identities {
        if !names.insert(identity.name.to_ascii_uppercase()) {
            return Err(Error::new(format!("two identities have the name '{}'", identity.name)));
        }
        let registration = identity.application().map(|application| &application.object_id);
        for object_id in [Some(&identity.object_id), registration].into_iter().flatten() {
            if !objects.insert(object_id) {
                return Err(Error::new(format!("two identities have the object_id '{object_id}'")));
            }
        }
    }
    if identities.iter().filter(|identity| matches!(identity.kind, Kind::SystemAssigned { .. })).count() > 1 {
        return Err(Error::new("a machine has one system-assigned identity at most"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
impl Description {
    pub(super) fn build_for_tests(self) -> Result<Directory, Error> {
        let home = Arc::new(Home::create().unwrap());
        home.remove();
        self.build("https://127.0.0.1:1", &home)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let description = Description::parse_toml(text).unwrap();
        description.build_for_tests().map(drop).unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_is_said_in_a_sentence() {
        let app = "tenant_id='t'\n[[apps]]\nname='a'\nclient_id='c'\nobject_id='o'\n";
        assert!(refusal(&format!("{app}certificates=[{{}}]")).contains("generate = true"));
        let two = "[{generate=true},{generate=true}]";
        assert!(refusal(&format!("{app}certificates={two}")).contains("more than one"));
        assert!(refusal(&format!("{app}certificates=[{{file='none.pem'}}]")).contains("none.pem"));
        assert!(refusal(&format!("{app}secrets=[{{value='s3cret',expires='soon'}}]")).contains("'soon'"));
        assert!(refusal(&format!("{app}[user]\nname='A'\nobject_id='x'")).contains("the name 'A'"));
        assert!(refusal(&format!("{app}[user]\nname='u'\nobject_id='o'")).contains("object_id 'o'"));
    }

    #[test]
    fn an_issuer_without_a_url_is_one_of_the_emulators_own() {
        let text = "tenant_id='t'\n[[apps]]\nname='a'\nclient_id='c'\nobject_id='o'\n\
                    federated=[{issuer='k',subject='s'},{issuer='https://x.example',subject='s',audience='a'}]";
        let directory = Description::parse_toml(text).unwrap().build_for_tests().unwrap();
        let federated = &directory.applications().next().unwrap().1.federated;
        assert_eq!(federated[0].issuer, "https://127.0.0.1:1/issuers/k");
        assert_eq!(federated[0].audience, "api://AzureADTokenExchange");
        assert_eq!(
            (federated[1].issuer.as_str(), federated[1].audience.as_str()),
            ("https://x.example", "a")
        );
    }
}
