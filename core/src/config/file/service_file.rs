//! The configuration file of a service: settings that are the service's own, in the formats and by the rules of a file of
//! keys, and with the keys under `entrakey` if it likes.

use super::config_file::ConfigFile;
use crate::config::document::Node;
use crate::config::environment::Environment;
use crate::error::Result;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What a service's configuration file has under a name. It has no `Debug`: any text in it may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum ServiceValue {
    /// A text, a number, or `true` or `false`, `${NAME}` expanded.
    Text(Zeroizing<String>),
    /// Several values.
    List(Vec<Self>),
    /// Names and their values.
    Table(BTreeMap<String, Self>),
}

/// What is in a service's configuration file (JSON, YAML or TOML, told by its extension). `${NAME}` stands for the
/// environment variable, `$${` for `${` itself.
///
/// # Errors
/// `INVALID_CONFIG`: the file cannot be read or parsed, is no table, has a name without a value, or names a variable that is
/// not set. The message says where, and quotes no value.
pub fn read_service_file(path: &str) -> Result<BTreeMap<String, ServiceValue>> {
    read(path, &Environment::read(), None)
}

/// The same of these places only (`database`, `leases.database`): no variable need be set that others name.
///
/// # Errors
/// As [`read_service_file`].
pub fn read_service_settings(path: &str, places: &[&str]) -> Result<BTreeMap<String, ServiceValue>> {
    read(path, &Environment::read(), Some(places))
}

fn read(
    path: &str,
    environment: &Environment,
    places: Option<&[&str]>,
) -> Result<BTreeMap<String, ServiceValue>> {
    let file = ConfigFile { path, environment };
    let mut root = file.root()?;
    if let Some(places) = places {
        leave(places, &mut root);
    }
    match value("", &root, &file)? {
        ServiceValue::Table(table) => Ok(table),
        _ => Err(file.refuse("must be a table of settings.")),
    }
}

/// Takes away what is in none of these places.
fn leave(places: &[&str], node: &mut Node) {
    let Node::Map(map) = node else { return };
    map.retain(|name, inside| {
        let rests = || places.iter().filter_map(|place| place.strip_prefix(name.as_str()));
        let further: Vec<_> = rests().filter_map(|rest| rest.strip_prefix('.')).collect();
        let is_wanted = rests().any(str::is_empty);
        if !is_wanted {
            leave(&further, inside);
        }
        is_wanted || !further.is_empty()
    });
}

/// `place` is where it is in the file, for errors.
fn value(place: &str, node: &Node, file: &ConfigFile<'_>) -> Result<ServiceValue> {
    Ok(match node {
        Node::Text(text) => ServiceValue::Text(file.expand(place, text)?),
        Node::Float(number) => ServiceValue::Text(Zeroizing::new(number.to_string())),
        Node::Nothing => {
            return Err(file.refuse(format!("{place} has no value: give it one, or leave it out.")));
        }
        Node::List(items) => {
            let items = items.iter().enumerate();
            let values = items.map(|(at, item)| value(&format!("{place}[{at}]"), item, file));
            ServiceValue::List(values.collect::<Result<_>>()?)
        }
        Node::Map(map) => {
            let inside =
                |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            let values = map.iter().map(|(name, node)| Ok((name.clone(), value(&inside(name), node, file)?)));
            ServiceValue::Table(values.collect::<Result<_>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Written, environment};
    use super::*;

    /// One line for a value, for comparing.
    fn drawn(value: &ServiceValue) -> String {
        match value {
            ServiceValue::Text(text) => text.to_string(),
            ServiceValue::List(items) => {
                format!("[{}]", items.iter().map(drawn).collect::<Vec<_>>().join(" "))
            }
            ServiceValue::Table(table) => {
                let pairs = table.iter().map(|(name, value)| format!("{name}={}", drawn(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn load(name: &str, text: &str) -> Result<String> {
        let environment = environment(&[("SECRET", "hunter2")]);
        let table = read(Written::new(name, text).path(), &environment, None)?;
        Ok(drawn(&ServiceValue::Table(table)))
    }

    #[test]
    fn every_format_says_the_same_and_variables_expand() {
        let said = "{http-port=9090 quiet=true upstreams=[{host=a password=hunter2}]}";
        let toml = "http-port = 9090\nquiet = true\n[[upstreams]]\nhost = 'a'\npassword = '${SECRET}'\n";
        let yaml = "http-port: 9090\nquiet: true\nupstreams:\n  - host: a\n    password: ${SECRET}\n";
        let json =
            r#"{"http-port": 9090, "quiet": true, "upstreams": [{"host": "a", "password": "${SECRET}"}]}"#;
        for (name, text) in [("a.toml", toml), ("a.yaml", yaml), ("a.json", json)] {
            assert_eq!(load(name, text).as_deref().ok(), Some(said), "{name}");
        }
    }

    #[test]
    fn a_variable_of_what_is_not_wanted_need_not_be_set() {
        let text =
            "database = 'x'\nbase = 'y'\n[leases]\ndatabase = 'z'\n[leases.secrets]\npassword = '${NOPE}'\n";
        let file = Written::new("a.toml", text);
        let part = |places: &[&str]| read(file.path(), &environment(&[]), Some(places));
        let both = part(&["database", "leases.database"]).unwrap();
        assert_eq!(drawn(&ServiceValue::Table(both)), "{database=x leases={database=z}}");
        assert!(part(&["leases"]).err().unwrap().message().contains("NOPE"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (name, text, part) in [
            ("a.yaml", "upstreams:\n  - host:\n", "upstreams[0].host has no value"),
            (
                "a.yaml",
                "upstreams:\n  - password: x${NOPE}\n",
                "upstreams[0].password: the environment variable NOPE",
            ),
            ("a.yaml", "- a\n", "must be a table"),
            ("a.ini", "a=1", ".toml"),
        ] {
            let said = load(name, text).unwrap_err().to_string();
            assert!(said.contains(part) && said.contains("Configuration file"), "{said}");
        }
    }
}
