//! The file that says who exists: TOML or JSON, as `default-identities.toml` shows it.

use crate::Error;
use crate::graph::GraphGrant;
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The default set, in the form of a file for [`Options::identities`](crate::Options::identities), whose comments
/// explain it.
pub const DEFAULT_IDENTITIES: &str = include_str!("../../default-identities.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    pub(super) tenant_id: String,
    #[serde(default)]
    pub(super) managed_identities: Vec<Managed>,
    #[serde(default)]
    pub(super) apps: Vec<App>,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) users: Vec<User>,
    #[serde(default)]
    pub(super) issuers: Vec<Issuer>,
    /// The folder that names of files are relative to.
    #[serde(skip)]
    pub(super) folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Managed {
    pub(super) name: String,
    pub(super) kind: ManagedKind,
    pub(super) client_id: String,
    pub(super) object_id: String,
    pub(super) resource_id: String,
    #[serde(default = "owner")]
    pub(super) access: String,
    #[serde(default = "yes")]
    pub(super) oid_claim: bool,
    #[serde(default)]
    pub(super) graph: GraphGrant,
    pub(super) azure_role: Option<String>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum ManagedKind {
    System,
    User,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    pub(super) name: String,
    pub(super) client_id: String,
    pub(super) object_id: String,
    pub(super) application_object_id: Option<String>,
    #[serde(default)]
    pub(super) secrets: Vec<Secret>,
    #[serde(default)]
    pub(super) certificates: Vec<Certificate>,
    #[serde(default)]
    pub(super) federated: Vec<Federated>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default = "owner")]
    pub(super) access: String,
    #[serde(default = "yes")]
    pub(super) oid_claim: bool,
    #[serde(default)]
    pub(super) graph: GraphGrant,
    pub(super) azure_role: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a secret is a text, or { value = …, expires = … }")]
pub(super) enum Secret {
    Text(String),
    Limited(Limited),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limited {
    pub(super) value: String,
    pub(super) expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Certificate {
    pub(super) file: Option<PathBuf>,
    pub(super) private_key: Option<PathBuf>,
    #[serde(default)]
    pub(super) generate: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Federated {
    pub(super) issuer: String,
    pub(super) subject: String,
    #[serde(default = "token_exchange")]
    pub(super) audience: String,
    pub(super) service_connection: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) object_id: String,
    pub(super) principal_name: Option<String>,
    pub(super) password: Option<String>,
    #[serde(default)]
    pub(super) admin: bool,
    #[serde(default)]
    pub(super) second_factor: bool,
    #[serde(default = "owner")]
    pub(super) access: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) public_key: PathBuf,
}

fn owner() -> String {
    "owner".to_owned()
}

fn yes() -> bool {
    true
}

fn token_exchange() -> String {
    "api://AzureADTokenExchange".to_owned()
}

/// `invalid type: string "…", expected a sequence` without what stands between the quotes: it may be a secret.
fn without_value(message: &str) -> String {
    match (message.find(": string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => {
            let (head, tail) = (message.get(..start), message.get(end + 1..));
            format!("{}: a text{}", head.unwrap_or_default(), tail.unwrap_or_default())
        }
        _ => message.to_owned(),
    }
}

impl Description {
    /// Reads a file, or the default set. A name that ends in `.json` says JSON, any other TOML.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = file else {
            return Self::parse_toml(DEFAULT_IDENTITIES)
                .map_err(|error| Error::new(format!("the default identities: {error}")));
        };
        let refuse = |reason: String| {
            Error::new(format!("cannot use {} as --identities: {}", path.display(), reason.trim_end()))
        };
        let text = std::fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let parsed = match json {
            true => serde_json::from_str(&text).map_err(|error| without_value(&error.to_string())),
            false => Self::parse_toml(&text),
        };
        // The environment names files of it to programs that run elsewhere.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let folder = whole.parent().map(Path::to_path_buf).unwrap_or_default();
        Ok(Self { folder, ..parsed.map_err(refuse)? })
    }

    pub(super) fn parse_toml(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line =
                error.span().map(|span| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1);
            let place = line.map(|line| format!(" in line {line}")).unwrap_or_default();
            // Without the line itself, which may hold a secret.
            format!("{}{place}", without_value(error.message()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_line_and_without_what_stands_there() {
        let refusal = |text| Description::parse_toml(text).map(drop).unwrap_err();
        let unknown =
            refusal("tenant_id='t'\n[[apps]]\nname='a'\nclient_id='c'\nobject_id='o'\nsecret='s3cret'\n");
        assert!(unknown.contains("secret") && unknown.contains("line"), "{unknown}");
        assert!(!unknown.contains("s3cret"), "{unknown}");
        assert!(refusal("").contains("tenant_id"));
        let misplaced =
            refusal("tenant_id='t'\n[[apps]]\nname='a'\nclient_id='c'\nobject_id='o'\nsecrets='s3cret'\n");
        assert!(misplaced.contains("sequence") && !misplaced.contains("s3cret"), "{misplaced}");
        let shape = refusal("tenant_id='t'\n[[apps]]\nname='a'\nclient_id='c'\nobject_id='o'\nsecrets=[7]\n");
        assert!(shape.contains("a secret is a text"), "{shape}");
    }

    #[test]
    fn json_says_the_same_as_toml() {
        let folder = std::env::temp_dir().join(format!("entrakey-identities-{:016x}", fastrand::u64(..)));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("who.json");
        let text = r#"{"tenant_id": "t", "apps": [{"name": "a", "client_id": "c", "object_id": "o",
                       "secrets": ["s", {"value": "old", "expires": "2020-01-01T00:00:00Z"}]}]}"#;
        std::fs::write(&file, text).unwrap();
        let read = Description::read(Some(&file)).map_err(|error| error.to_string());
        std::fs::remove_dir_all(&folder).unwrap();
        let directory = read.unwrap().build_for_tests().unwrap();
        let (_, app) = directory.applications().next().unwrap();
        assert_eq!(app.secrets.len(), 2);
        assert!(app.secrets[0].expires.is_none());
        assert_eq!(app.secrets[1].expires.unwrap().as_secs(), 1_577_836_800);
    }
}
