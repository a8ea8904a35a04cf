//! Entries of a secret store that say how to authenticate, as they are written there:
//!
//! ```yaml
//! - id: redis
//!   type: AzureEntraIdAuth
//!   isDefault: true
//!   details:
//!     auth:
//!       tenantID: ${AZURE_ENTRA_ID_AUTH_TENANT_ID}
//!       clientID: ${AZURE_ENTRA_ID_AUTH_CLIENT_ID}
//!       clientSecret: ${AZURE_ENTRA_ID_AUTH_CLIENT_SECRET}
//!       certPath: ${AZURE_ENTRA_ID_AUTH_CERT_PATH}
//!       keyPath: ${AZURE_ENTRA_ID_AUTH_KEY_PATH}
//! ```
//!
//! An entry names every field at once, and the variables that are set decide: a variable that is not set means that the
//! field is absent. That is so in entries and nowhere else.

use super::config_file::ConfigFile;
use super::file_values::FileValues;
use crate::config::document::Node;
use crate::config::expand::only_name;
use crate::config::find_key::name_for_message;
use crate::config::keys::CONFIG_ENTRY;
use crate::config::names::{MANAGED_IDENTITY, SERVICE_PRINCIPAL};
use crate::error::{Error, Result};
use zeroize::Zeroizing;

/// An entry of a secret store's file: what it is asked for by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreEntry {
    /// Its id, which no other entry of the file has.
    pub id: String,
    /// Whether it is the one that is meant when nobody says which.
    pub is_default: bool,
}

const TYPE: &str = "AzureEntraIdAuth";

/// A field of `details.auth`, the configuration key that it sets, and the variable that the store's own
/// example takes it from.
struct Field {
    name: &'static str,
    key: &'static str,
    variable: &'static str,
}

const TENANT: Field = Field { name: "tenantID", key: "tenant_id", variable: "AZURE_ENTRA_ID_AUTH_TENANT_ID" };
const CLIENT: Field = Field { name: "clientID", key: "client_id", variable: "AZURE_ENTRA_ID_AUTH_CLIENT_ID" };
const SECRET: Field =
    Field { name: "clientSecret", key: "client_secret", variable: "AZURE_ENTRA_ID_AUTH_CLIENT_SECRET" };
const CERTIFICATE: Field =
    Field { name: "certPath", key: "certificate_path", variable: "AZURE_ENTRA_ID_AUTH_CERT_PATH" };
const PRIVATE_KEY: Field =
    Field { name: "keyPath", key: "private_key_path", variable: "AZURE_ENTRA_ID_AUTH_KEY_PATH" };
const FIELDS: [&Field; 5] = [&TENANT, &CLIENT, &SECRET, &CERTIFICATE, &PRIVATE_KEY];

/// Whether a document holds such an entry.
pub(super) fn is_in(root: &Node) -> bool {
    !entries(root).is_empty()
}

/// What the entry with that id says, or without one the entry that is meant.
pub(super) fn pick(file: &ConfigFile<'_>, root: &Node, wanted: Option<&str>) -> Result<FileValues> {
    let entries = entries(root);
    let ids = || {
        let ids: Vec<_> =
            entries.iter().map(|entry| format!("\"{}\"", name_for_message(id(entry)))).collect();
        ids.join(", ")
    };
    if entries.is_empty() {
        return Err(file.refuse(format!("it has neither configuration keys nor an entry of type {TYPE}.")));
    }
    let fits = |entry: &&Node| match wanted {
        Some(wanted) => id(entry) == wanted,
        None => entries.len() == 1 || is_default(entry),
    };
    let fitting: Vec<_> = entries.iter().copied().filter(fits).collect();
    match (fitting.as_slice(), wanted) {
        ([entry], _) => Entry { file, id: id(entry) }.values(entry),
        ([], Some(_)) => Err(file.refuse(format!(
            "no entry of type {TYPE} has the id that {CONFIG_ENTRY} says. There are {}.",
            ids()
        ))),
        (_, Some(wanted)) => {
            Err(file.refuse(format!("more than one entry of type {TYPE} has the id \"{}\".", name_for_message(wanted))))
        }
        (several, None) => Err(file.refuse(format!(
            "{} of its entries of type {TYPE} have isDefault: true. Set {CONFIG_ENTRY} to the id of the one that is \
             meant: {}.",
            if several.is_empty() { "none" } else { "several" },
            ids()
        ))),
    }
}

/// The ids of the entries, for somebody who wants each of them. Each must have one that no other has.
pub(super) fn ids(file: &ConfigFile<'_>, root: &Node) -> Result<Vec<StoreEntry>> {
    let entries = entries(root);
    if entries.is_empty() {
        return Err(file.refuse(format!("it has no entry of type {TYPE}.")));
    }
    let mut found: Vec<StoreEntry> = Vec::new();
    for entry in entries {
        let id = id(entry);
        if id.is_empty() {
            return Err(file.refuse(format!(
                "an entry of type {TYPE} has no id: give it one, by which it is asked for."
            )));
        }
        if found.iter().any(|other| other.id == id) {
            return Err(file.refuse(format!(
                "more than one entry of type {TYPE} has the id \"{}\".",
                name_for_message(id)
            )));
        }
        found.push(StoreEntry { id: id.to_owned(), is_default: is_default(entry) });
    }
    Ok(found)
}

/// All entries of our type, wherever the store's document has its list of them.
fn entries(node: &Node) -> Vec<&Node> {
    match node {
        Node::Map(_) if node.get("type").and_then(Node::as_text) == Some(TYPE) => vec![node],
        Node::Map(map) => map.values().flat_map(entries).collect(),
        Node::List(items) => items.iter().flat_map(entries).collect(),
        _ => Vec::new(),
    }
}

fn id(entry: &Node) -> &str {
    entry.get("id").and_then(Node::as_text).unwrap_or_default()
}

fn is_default(entry: &Node) -> bool {
    entry.get("isDefault").and_then(Node::as_text) == Some("true")
}

struct Entry<'a> {
    file: &'a ConfigFile<'a>,
    id: &'a str,
}

/// A field and what the entry says of it.
struct FieldValue<'a> {
    field: &'static Field,
    /// The variable that it is taken from, if it is taken from one.
    variable: Option<&'a str>,
    value: Option<Zeroizing<String>>,
}

impl FieldValue<'_> {
    /// For a message about a field that has a value: its name, and the variable.
    fn label(&self) -> String {
        let origin = self.variable.map_or_else(String::new, |variable| format!(" ({variable})"));
        format!("{}{origin}", self.field.name)
    }

    /// For a message about a field that has none: its name, and how to give it one.
    fn remedy(&self) -> String {
        match self.variable {
            Some(variable) => format!("{} (set the environment variable {variable})", self.field.name),
            None => format!("{0} (add it to the entry: {0}: ${{{1}}})", self.field.name, self.field.variable),
        }
    }
}

impl Entry<'_> {
    fn refuse(&self, what: impl AsRef<str>) -> Error {
        self.file.refuse(format!("{}: {}", self.label(), what.as_ref()))
    }

    fn label(&self) -> String {
        match self.id {
            "" => "the entry without an id".to_owned(),
            id => format!("entry \"{}\"", name_for_message(id)),
        }
    }

    /// What the entry says, as configuration keys: one way to authenticate, completely.
    fn values(&self, entry: &Node) -> Result<FileValues> {
        let auth = entry.get("details").and_then(|details| details.get("auth"));
        match auth {
            Some(Node::Map(fields)) => fields.keys().try_for_each(|name| self.check_name(name))?,
            Some(Node::Nothing) => {}
            _ => return Err(self.refuse("has no details.auth.")),
        }
        let field =
            |field: &'static Field| self.field_value(field, auth.and_then(|auth| auth.get(field.name)));
        let (tenant, client, secret) = (field(&TENANT)?, field(&CLIENT)?, field(&SECRET)?);
        let (certificate, private_key) = (field(&CERTIFICATE)?, field(&PRIVATE_KEY)?);
        let of_certificate = certificate.value.is_some() || private_key.value.is_some();
        let (identity, fields, all_needed) = match (secret.value.is_some(), of_certificate) {
            (true, true) => return Err(self.two_ways(&secret, &[&certificate, &private_key])),
            (true, false) => (SERVICE_PRINCIPAL, vec![tenant, client, secret], true),
            (false, true) => (SERVICE_PRINCIPAL, vec![tenant, client, certificate, private_key], true),
            (false, false) => (MANAGED_IDENTITY, vec![client], false),
        };
        let missing: Vec<_> = fields.iter().filter(|field| field.value.is_none()).collect();
        if all_needed && !missing.is_empty() {
            let remedies: Vec<_> = missing.iter().map(|field| field.remedy()).collect();
            let there: Vec<_> =
                fields.iter().filter(|field| field.value.is_some()).map(FieldValue::label).collect();
            return Err(self.refuse(format!(
                "{} would make a service principal, but it lacks {}.",
                there.join(" and "),
                remedies.join(" and ")
            )));
        }
        let mut values = FileValues::default();
        self.file.set(&mut values, "identity", identity, "identity")?;
        for field in fields {
            if let Some(value) = &field.value {
                let label = format!("{}, details.auth.{}", self.label(), field.label());
                self.file.set(&mut values, field.field.key, value, &label)?;
            }
        }
        Ok(values)
    }

    fn two_ways(&self, secret: &FieldValue<'_>, of_certificate: &[&FieldValue<'_>]) -> Error {
        let there = of_certificate.iter().filter(|field| field.value.is_some()).map(|field| field.label());
        self.refuse(format!(
            "{} and {} are two ways to authenticate. Keep one, and leave the other out or its variables unset.",
            secret.label(),
            there.collect::<Vec<_>>().join(" with ")
        ))
    }

    fn field_value<'n>(&self, field: &'static Field, node: Option<&'n Node>) -> Result<FieldValue<'n>> {
        let label = format!("details.auth.{}", field.name);
        let (variable, value) = match node {
            None | Some(Node::Nothing) => (None, None),
            Some(Node::Text(text)) => match only_name(text) {
                Some(name) => (Some(name), self.file.environment.variable(name)),
                None => (None, Some(self.file.expand(&label, text)?)),
            },
            Some(_) => return Err(self.refuse(format!("{label} is not a text; quote it."))),
        };
        Ok(FieldValue { field, variable, value: value.filter(|value| !value.is_empty()) })
    }

    /// A field with a slip in its name would be passed over, and another identity than the one meant be used.
    fn check_name(&self, name: &str) -> Result<()> {
        let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_lowercase();
        let alike =
            |field: &&&Field| strsim::osa_distance(&plain(field.name), &plain(&name_for_message(name))) <= 1;
        match FIELDS.iter().find(alike) {
            Some(field) if !FIELDS.iter().any(|field| field.name == name) => Err(self.refuse(format!(
                "unknown field \"{}\" in details.auth: did you mean \"{}\"?",
                name_for_message(name),
                field.name
            ))),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::super::tests::{Written, environment};
    use super::*;
    use crate::error::ErrorKind;

    /// The vendor's example: all five variables at once.
    const EXAMPLE: &str = "
secrets:
  - id: other
    type: Password
    details:
      password: ${NOT_EVEN_A_VARIABLE}
  - id: redis
    name: Entra
    type: AzureEntraIdAuth
    isDefault: true
    details:
      auth:
        tenantID: ${AZURE_ENTRA_ID_AUTH_TENANT_ID}
        clientID: ${AZURE_ENTRA_ID_AUTH_CLIENT_ID}
        clientSecret: ${AZURE_ENTRA_ID_AUTH_CLIENT_SECRET}
        certPath: ${AZURE_ENTRA_ID_AUTH_CERT_PATH}
        keyPath: ${AZURE_ENTRA_ID_AUTH_KEY_PATH}
";

    fn load(text: &str, entry: Option<&str>, variables: &[(&str, &str)]) -> Result<FileValues> {
        let variables: Vec<_> =
            variables.iter().map(|(name, value)| (format!("AZURE_ENTRA_ID_AUTH_{name}"), *value)).collect();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let name = if text.trim_start().starts_with(['{', '[']) { "store.json" } else { "store.yaml" };
        read(Written::new(name, text).path(), entry, &environment(&variables))
    }

    fn set(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        meant(&load(EXAMPLE, None, variables).unwrap().pairs())
    }

    fn refusal(text: &str, entry: Option<&str>, variables: &[(&str, &str)]) -> String {
        let error = load(text, entry, variables).err().expect("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        assert!(!error.message().contains("hunter2"), "{error}");
        error.message().to_owned()
    }

    fn meant(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_variables_that_are_set_decide() {
        assert_eq!(set(&[]), meant(&[("identity", "managed_identity")]));
        assert_eq!(
            set(&[("CLIENT_ID", "c"), ("TENANT_ID", "t"), ("CLIENT_SECRET", "")]),
            meant(&[("client_id", "c"), ("identity", "managed_identity")])
        );
        assert_eq!(
            set(&[("CLIENT_ID", "c"), ("TENANT_ID", "t"), ("CLIENT_SECRET", "${x}")]),
            meant(&[
                ("client_id", "c"),
                ("client_secret", "${x}"),
                ("identity", "service_principal"),
                ("tenant_id", "t")
            ])
        );
        assert_eq!(
            set(&[("CLIENT_ID", "c"), ("TENANT_ID", "t"), ("CERT_PATH", "/c.pem"), ("KEY_PATH", "/k.pem")]),
            meant(&[
                ("certificate_path", "/c.pem"),
                ("client_id", "c"),
                ("identity", "service_principal"),
                ("private_key_path", "/k.pem"),
                ("tenant_id", "t")
            ])
        );
    }

    #[test]
    fn two_ways_or_half_of_one_are_refused_by_name() {
        const SECRET: (&str, &str) = ("CLIENT_SECRET", "hunter2");
        for (variables, needles) in [
            (
                &[("CLIENT_ID", "c"), ("TENANT_ID", "t"), SECRET, ("CERT_PATH", "x"), ("KEY_PATH", "y")][..],
                &["clientSecret (AZURE_ENTRA_ID_AUTH_CLIENT_SECRET)", "certPath (AZURE_", "keyPath", "two"][..],
            ),
            (&[SECRET, ("CERT_PATH", "x")], &["clientSecret", "certPath", "two"]),
            (&[SECRET, ("CLIENT_ID", "c")], &["variable AZURE_ENTRA_ID_AUTH_TENANT_ID", "clientSecret"]),
            (&[SECRET, ("TENANT_ID", "t")], &["variable AZURE_ENTRA_ID_AUTH_CLIENT_ID"]),
            (
                &[("CLIENT_ID", "c"), ("TENANT_ID", "t"), ("CERT_PATH", "x")],
                &["variable AZURE_ENTRA_ID_AUTH_KEY_PATH", "certPath (AZURE_"],
            ),
            (
                &[("KEY_PATH", "x"), ("TENANT_ID", "t")],
                &["AZURE_ENTRA_ID_AUTH_CERT_PATH", "AZURE_ENTRA_ID_AUTH_CLIENT_ID"],
            ),
        ] {
            let message = refusal(EXAMPLE, None, variables);
            assert!(needles.iter().all(|needle| message.contains(needle)), "{variables:?}: {message}");
            assert!(message.contains("entry \"redis\""), "{message}");
        }
        let literal = "{type: AzureEntraIdAuth, details: {auth: {clientSecret: hunter2, clientID: c}}}";
        let message = refusal(&format!("# yaml\n{literal}"), None, &[]);
        assert!(message.contains("tenantID: ${AZURE_ENTRA_ID_AUTH_TENANT_ID}"), "{message}");
        assert!(message.contains("the entry without an id"), "{message}");
    }

    #[test]
    fn a_blank_or_broken_value_is_refused_by_its_field() {
        let with = |value| [("CLIENT_ID", "c"), ("TENANT_ID", "t"), ("CLIENT_SECRET", value)];
        assert!(refusal(EXAMPLE, None, &with("hunter2\n")).contains("details.auth.clientSecret"));
        assert!(refusal(EXAMPLE, None, &with(" ")).contains("blank"));
        let text = EXAMPLE.replace("${AZURE_ENTRA_ID_AUTH_CERT_PATH}", "${CERTS}/a.pem");
        let message = refusal(&text, None, &[]);
        assert!(
            message.contains("CERTS") && message.contains("certPath"),
            "part of a text must be set: {message}"
        );
    }

    #[test]
    fn a_slip_in_a_fields_name_does_not_change_the_identity() {
        for (slip, name) in [
            ("clientId", "clientID"),
            ("client_secret", "clientSecret"),
            ("certpath", "certPath"),
            ("tenatID", "tenantID"),
        ] {
            let message = refusal(&EXAMPLE.replace(&format!("{name}:"), &format!("{slip}:")), None, &[]);
            assert!(message.contains(&format!("\"{name}\"")) && message.contains(slip), "{message}");
        }
        let more =
            EXAMPLE.replace("      auth:\n", "      auth:\n        scope: x\n        certPassword: [1]\n");
        assert!(load(&more, None, &[]).is_ok(), "other fields are the store's own affair");
    }

    /// An entry with a client id, by which it is known again.
    fn entry(id: &str, more: &str) -> String {
        format!(
            r#"{{"id": "{id}", "type": "AzureEntraIdAuth", "details": {{"auth": {{"clientID": "of-{id}"}}}}{more}}}"#
        )
    }

    #[test]
    fn the_entry_is_the_wanted_one_or_the_default_or_the_only_one() {
        let default = r#", "isDefault": true"#;
        let two = format!("[{}, {}]", entry("a", ""), entry("b", default));
        let client = |text: &str, wanted| {
            load(text, wanted, &[])
                .map(|values| values.get("client_id").map_or_else(String::new, |(id, _)| id.to_owned()))
        };
        assert_eq!(client(&entry("a", ""), None).unwrap(), "of-a");
        assert_eq!(client(&format!("[{}]", entry("a", "")), None).unwrap(), "of-a");
        assert_eq!(client(&two, None).unwrap(), "of-b");
        assert_eq!(client(&two, Some("a")).unwrap(), "of-a");
        assert_eq!(client(&format!(r#"{{"any": {{"key": {two}}}}}"#), Some("a")).unwrap(), "of-a");
        let documents = format!("---\n{}\n---\n{}\n", entry("a", ""), entry("b", default));
        assert_eq!(client(&documents, None).unwrap(), "of-b");

        let none = format!("[{}, {}]", entry("a", ""), entry("b", r#", "isDefault": false"#));
        assert!(
            ["none", "\"a\", \"b\"", "config_entry"].iter().all(|x| refusal(&none, None, &[]).contains(x))
        );
        let both = format!("[{}, {}]", entry("a", default), entry("b", default));
        assert!(["several", "\"a\", \"b\""].iter().all(|x| refusal(&both, None, &[]).contains(x)));
        let message = refusal(&two, Some("c"), &[]);
        assert!(message.contains("\"a\", \"b\""), "{message}");
        let twins = format!("[{}, {}]", entry("a", ""), entry("a", ""));
        assert!(refusal(&twins, Some("a"), &[]).contains("more than one"));
        assert!(refusal(EXAMPLE, Some("other"), &[]).contains("\"redis\""), "of another type");
    }

    #[test]
    fn all_entries_are_told_by_their_ids_which_are_their_own() {
        let ids = |text: &str| {
            let written = Written::new("store.yaml", text);
            super::super::read_entries(written.path(), &environment(&[])).map(|entries| {
                entries.into_iter().map(|entry| (entry.id, entry.is_default)).collect::<Vec<_>>()
            })
        };
        let default = r#", "isDefault": true"#;
        let two = format!("[{}, {}]", entry("a", ""), entry("b", default));
        assert_eq!(ids(&two).unwrap(), [("a".to_owned(), false), ("b".to_owned(), true)]);
        assert_eq!(ids(EXAMPLE).unwrap(), [("redis".to_owned(), true)], "no variable of theirs is read");
        for (text, part) in [
            (format!("[{}, {}]", entry("a", ""), entry("a", "")), "more than one entry"),
            (format!("[{}, {{\"type\": \"{TYPE}\"}}]", entry("a", "")), "has no id"),
            ("client_id: hunter2\n".to_owned(), "no entry of type AzureEntraIdAuth"),
        ] {
            let said = ids(&text).unwrap_err().to_string();
            assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
        }
    }

    #[test]
    fn an_entry_is_asked_for_only_where_there_are_some() {
        assert!(refusal("client_id: x\n", Some("a"), &[]).contains("AzureEntraIdAuth"));
        assert!(refusal("entrakey: {client_id: x}\n", Some("a"), &[]).contains("config_entry"));
        assert!(refusal("type: AzureEntraIdAuth\n", None, &[]).contains("details.auth"));
        assert!(load("type: AzureEntraIdAuth\ndetails:\n  auth:\n", None, &[]).is_ok());
    }
}
