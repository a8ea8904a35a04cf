//! The variables that point a client at the emulator, as each of Azure's environments would set them.

use crate::Error;
use crate::addresses::{Addresses, paths};
use crate::certificates::GeneratedCertificate;
use crate::home::Home;
use crate::hosting::HostingSecrets;
use crate::identities::{Choice, Identity, Kind};
use crate::tenant::Tenant;
use crate::workload::WorkloadToken;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Names and values, in the order in which they are printed.
pub type Variables = Vec<(String, String)>;

type Make = fn(&Sources<'_>) -> Option<Variables>;

/// The environments by name. One is missing if no identity fits it.
pub(crate) const KINDS: [(&str, Make); 10] = [
    ("imds", |_| Some(Vec::new())),
    ("app_service", app_service),
    ("azure_ml", azure_ml),
    ("arc", arc),
    ("cloud_shell", cloud_shell),
    ("service_fabric", service_fabric),
    ("client_secret", client_secret),
    ("client_certificate", client_certificate),
    ("workload_identity", workload_identity),
    ("azure_pipelines", azure_pipelines),
];

/// What the variables are made from.
pub(crate) struct Sources<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) hosting: &'a HostingSecrets,
    pub(crate) home: &'a Home,
    pub(crate) addresses: Addresses,
    pub(crate) redis_name: &'static str,
    pub(crate) fabric_thumbprint: &'a str,
    pub(crate) ca_file: String,
}

/// All environments of a running emulator.
#[derive(Debug)]
pub(crate) struct Environments {
    everything: Variables,
    kinds: BTreeMap<&'static str, Variables>,
    /// The variables that at least one environment sets and another does not: a client that finds one left over from
    /// another environment would take that for its own.
    distinguishing: BTreeSet<String>,
}

impl Environments {
    pub(crate) fn new(sources: &Sources<'_>) -> Self {
        let common = common(sources);
        let own: Vec<_> = KINDS.iter().filter_map(|(kind, make)| Some((*kind, make(sources)?))).collect();
        let distinguishing =
            own.iter().flat_map(|(_, variables)| variables.iter().map(|(name, _)| name.clone())).collect();
        let kinds = own.into_iter().map(|(kind, own)| (kind, [common.clone(), own].concat())).collect();
        let mut everything = common;
        everything.push(pair("AZURE_TENANT_ID", sources.tenant.directory.tenant_id.clone()));
        if let Some((id, secret)) = secret_of(sources) {
            everything.extend([pair("AZURE_CLIENT_ID", id), pair("AZURE_CLIENT_SECRET", secret)]);
        }
        Self { everything, kinds, distinguishing }
    }

    /// What every environment has, the managed identity of a virtual machine and an application with a secret.
    pub(crate) fn everything(&self) -> &Variables {
        &self.everything
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Variables> {
        self.kinds.get(kind)
    }

    /// The variables that must not be set for a client to recognise this environment.
    pub(crate) fn foreign_to(&self, kind: &str) -> Vec<String> {
        let own: BTreeSet<_> = self.get(kind).into_iter().flatten().map(|(name, _)| name).collect();
        self.distinguishing.iter().filter(|name| !own.contains(name)).cloned().collect()
    }
}

/// Lines for a shell that take some variables away and set others.
#[must_use]
pub fn for_shell(unset: &[String], variables: &Variables) -> String {
    let mut text = String::new();
    if !unset.is_empty() {
        let _ = writeln!(text, "unset {}", unset.join(" ")); // writing to a string cannot fail
    }
    for (name, value) in variables {
        let _ = writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"));
    }
    text
}

/// Makes the files that an environment names, if that was not done yet. Takes some hundredths of a second each.
pub(crate) fn prepare(kind: &str, tenant: &Tenant, workload: &WorkloadToken) -> Result<(), Error> {
    match kind {
        "client_certificate" => {
            let mut generated = tenant
                .directory
                .applications()
                .filter_map(|(_, application)| application.generated.as_deref());
            generated.try_for_each(GeneratedCertificate::make)
        }
        "workload_identity" => workload.write(tenant),
        _ => Ok(()),
    }
}

fn pair(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

fn common(sources: &Sources<'_>) -> Variables {
    let Sources {
        tenant, home, addresses: Addresses { http, https, redis, .. }, redis_name, ca_file, ..
    } = sources;
    let mut variables = vec![
        pair("AZURE_AUTHORITY_HOST", format!("https://{https}")),
        pair("AZURE_POD_IDENTITY_AUTHORITY_HOST", format!("http://{http}")),
        pair("ENTRAKEY_ARM_ENDPOINT", format!("https://{https}")),
        pair("ENTRAKEY_GRAPH_ENDPOINT", format!("https://{https}")),
        pair("ENTRAKEY_CA_FILE", ca_file),
        pair("REDIS_HOST", "localhost"),
        pair("REDIS_PORT", redis.port().to_string()),
        pair("REDIS_CA_FILE", ca_file),
        pair("ENTRAKEY_EMULATOR_REDIS_NAME", *redis_name),
        pair("ENTRAKEY_EMULATOR_URL", format!("http://{http}")),
        pair("ENTRAKEY_EMULATOR_DIRECTORY", home.path().display().to_string()),
        pair("ENTRAKEY_EMULATOR_TENANT_ID", &tenant.directory.tenant_id),
    ];
    variables.extend(tenant.directory.identities.iter().flat_map(ids));
    variables
}

/// `ENTRAKEY_EMULATOR_<NAME>_CLIENT_ID` and so on: ours, as Azure has no variables for them.
fn ids(identity: &Identity) -> Variables {
    let legal = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_uppercase() } else { '_' };
    let prefix = format!("ENTRAKEY_EMULATOR_{}", identity.name.chars().map(legal).collect::<String>());
    let mut variables = vec![pair(&format!("{prefix}_OBJECT_ID"), &identity.object_id)];
    if let Kind::User(user) = &identity.kind {
        variables.push(pair(&format!("{prefix}_PRINCIPAL_NAME"), &user.principal_name));
    } else {
        variables.push(pair(&format!("{prefix}_CLIENT_ID"), &identity.client_id));
    }
    let application = identity.application();
    variables.extend(application.map(|app| pair(&format!("{prefix}_APPLICATION_OBJECT_ID"), &app.object_id)));
    variables.extend(identity.resource_id().map(|id| pair(&format!("{prefix}_RESOURCE_ID"), id)));
    variables
}

fn app_service(sources: &Sources<'_>) -> Option<Variables> {
    let Sources { hosting, addresses: Addresses { http, .. }, .. } = sources;
    Some(vec![
        pair("IDENTITY_ENDPOINT", format!("http://{http}{}", paths::APP_SERVICE)),
        pair("IDENTITY_HEADER", &hosting.app_service),
    ])
}

fn azure_ml(sources: &Sources<'_>) -> Option<Variables> {
    let Sources { tenant, hosting, addresses: Addresses { http, .. }, .. } = sources;
    let mut variables = vec![
        pair("MSI_ENDPOINT", format!("http://{http}{}", paths::AZURE_ML)),
        pair("MSI_SECRET", &hosting.azure_ml),
    ];
    // As on a compute instance, which answers for its user unless its own identity is asked for.
    let default = tenant.directory.managed(Choice::Default).ok();
    variables.extend(default.map(|identity| pair("DEFAULT_IDENTITY_CLIENT_ID", &identity.client_id)));
    Some(variables)
}

fn arc(sources: &Sources<'_>) -> Option<Variables> {
    let Sources { hosting, addresses: Addresses { http, .. }, .. } = sources;
    Some(vec![
        pair("IDENTITY_ENDPOINT", format!("http://{http}{}", paths::ARC)),
        pair("IMDS_ENDPOINT", format!("http://{http}/arc")),
        pair("ENTRAKEY_EMULATOR_ARC_KEY_DIRECTORY", hosting.arc.folder().display().to_string()),
    ])
}

fn cloud_shell(sources: &Sources<'_>) -> Option<Variables> {
    sources.tenant.directory.user()?;
    Some(vec![pair("MSI_ENDPOINT", format!("http://{}{}", sources.addresses.http, paths::CLOUD_SHELL))])
}

fn service_fabric(sources: &Sources<'_>) -> Option<Variables> {
    Some(vec![
        pair("IDENTITY_ENDPOINT", format!("https://{}{}", sources.addresses.fabric, paths::IMDS)),
        pair("IDENTITY_HEADER", &sources.hosting.service_fabric),
        pair("IDENTITY_SERVER_THUMBPRINT", sources.fabric_thumbprint),
    ])
}

/// The first application with a secret that is valid, and that secret.
fn secret_of(sources: &Sources<'_>) -> Option<(String, String)> {
    let now = sources.tenant.now();
    sources.tenant.directory.applications().find_map(|(identity, application)| {
        let mut secrets = application.secrets.iter();
        let secret = secrets.find(|secret| secret.expires.is_none_or(|expires| expires > now))?;
        (!application.disabled).then(|| (identity.client_id.clone(), secret.value.clone()))
    })
}

fn client_secret(sources: &Sources<'_>) -> Option<Variables> {
    let (id, secret) = secret_of(sources)?;
    Some(vec![
        pair("AZURE_TENANT_ID", &sources.tenant.directory.tenant_id),
        pair("AZURE_CLIENT_ID", id),
        pair("AZURE_CLIENT_SECRET", secret),
    ])
}

fn client_certificate(sources: &Sources<'_>) -> Option<Variables> {
    let directory = &sources.tenant.directory;
    let found = directory
        .applications()
        .filter(|(_, application)| !application.disabled)
        .find_map(|(identity, application)| Some((identity, application.certificate_files()?)));
    let (identity, files) = found?;
    let both = files.both.as_ref().unwrap_or(&files.certificate);
    Some(vec![
        pair("AZURE_TENANT_ID", &directory.tenant_id),
        pair("AZURE_CLIENT_ID", &identity.client_id),
        pair("AZURE_CLIENT_CERTIFICATE_PATH", both.display().to_string()),
        pair("ENTRAKEY_EMULATOR_CERTIFICATE_PATH", files.certificate.display().to_string()),
        pair("ENTRAKEY_EMULATOR_PRIVATE_KEY_PATH", files.private_key.display().to_string()),
    ])
}

fn workload_identity(sources: &Sources<'_>) -> Option<Variables> {
    let directory = &sources.tenant.directory;
    let (identity, _) = directory.workload()?;
    Some(vec![
        pair("AZURE_TENANT_ID", &directory.tenant_id),
        pair("AZURE_CLIENT_ID", &identity.client_id),
        pair("AZURE_FEDERATED_TOKEN_FILE", WorkloadToken::path(sources.home).display().to_string()),
    ])
}

/// As the task AzureCLI@2 sets them for its script, and SYSTEM_ACCESSTOKEN as its author has to.
fn azure_pipelines(sources: &Sources<'_>) -> Option<Variables> {
    let Sources { tenant, hosting, addresses: Addresses { https, .. }, .. } = sources;
    let (identity, federated) = tenant.directory.service_connection(None)?;
    Some(vec![
        pair("SYSTEM_OIDCREQUESTURI", format!("https://{https}{}", paths::PIPELINES)),
        pair("SYSTEM_ACCESSTOKEN", &hosting.pipelines),
        pair("AZURESUBSCRIPTION_TENANT_ID", &tenant.directory.tenant_id),
        pair("AZURESUBSCRIPTION_CLIENT_ID", &identity.client_id),
        pair("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", federated.service_connection.as_deref()?),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environments() -> Environments {
        let tenant = Tenant::for_tests();
        let home = Home::create().unwrap();
        home.remove();
        let port = |port: u16| std::net::SocketAddr::from(([127, 0, 0, 1], port));
        Environments::new(&Sources {
            tenant: &tenant,
            hosting: &HostingSecrets::new(None, &home),
            home: &home,
            addresses: Addresses { http: port(1), https: port(2), fabric: port(3), redis: port(4) },
            redis_name: "redis.example",
            fabric_thumbprint: "AB",
            ca_file: "/it's.pem".into(),
        })
    }

    /// The variables by which Microsoft's libraries tell the environments apart.
    const DISTINGUISHING: [&str; 7] = [
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "IDENTITY_SERVER_THUMBPRINT",
        "IMDS_ENDPOINT",
        "MSI_ENDPOINT",
        "MSI_SECRET",
        "DEFAULT_IDENTITY_CLIENT_ID",
    ];

    #[test]
    fn each_environment_sets_what_tells_it_apart_and_takes_the_rest_away() {
        let environments = environments();
        let told = |kind: &str| {
            let variables = environments.get(kind).unwrap();
            let has = |name: &&str| variables.iter().any(|(mine, _)| mine == name);
            DISTINGUISHING.into_iter().filter(has).collect::<Vec<_>>()
        };
        assert_eq!(told("imds"), [""; 0]);
        assert_eq!(told("app_service"), ["IDENTITY_ENDPOINT", "IDENTITY_HEADER"]);
        assert_eq!(told("service_fabric"), DISTINGUISHING[..3]);
        assert_eq!(told("arc"), ["IDENTITY_ENDPOINT", "IMDS_ENDPOINT"]);
        assert_eq!(told("azure_ml"), DISTINGUISHING[4..]);
        assert_eq!(told("cloud_shell"), ["MSI_ENDPOINT"]);
        for (kind, _) in KINDS {
            let foreign = environments.foreign_to(kind);
            let own = environments.get(kind).unwrap();
            assert!(own.iter().all(|(name, _)| !foreign.contains(name)), "{kind} takes away what it sets");
            let gone = |name: &&&str| !told(kind).contains(*name);
            assert!(
                DISTINGUISHING.iter().filter(gone).all(|name| foreign.contains(&(*name).to_owned())),
                "{kind}"
            );
        }
    }

    #[test]
    fn a_shell_gets_its_quotes_back() {
        let environments = environments();
        let text = for_shell(&["A".into(), "B".into()], environments.everything());
        assert!(text.starts_with("unset A B\nexport AZURE_AUTHORITY_HOST='https://127.0.0.1:2'\n"), "{text}");
        assert!(text.contains(r"export REDIS_CA_FILE='/it'\''s.pem'"), "{text}");
    }
}
