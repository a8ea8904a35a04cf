//! Environment variables that look like one that is read, and are read by nobody: whoever set one believes that it counts.

use super::keys::KEYS;
use super::variables::VARIABLES;

/// So many characters may be wrong, missing, or in the wrong order.
const MOST_SLIPS: usize = 2;

/// What others set has names of its own.
const PREFIXES: [&str; 2] = ["ENTRAKEY_", "AZURE_"];

/// A variable that nobody reads.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MisspeltVariable {
    /// Its name.
    pub name: String,
    /// The variable that its name is nearly the name of, which is not set.
    pub meant: String,
}

impl std::fmt::Display for MisspeltVariable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, meant } = self;
        write!(f, "Environment variable {name} is read by nobody: did you mean {meant}?")
    }
}

/// Those of the process's environment. `further` are variables that the program reads itself. Reads the environment, on
/// this thread and only now; nothing of it in a program with privileges that whoever set the variables may lack.
#[must_use]
pub fn misspelt_variables(further: &[String]) -> Vec<MisspeltVariable> {
    if entrakey_sys::process::has_foreign_privileges() {
        return Vec::new();
    }
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    among(&names.collect::<Vec<_>>(), further)
}

/// A sentence about each of those among all `names` that are set; empty if there is none.
pub(super) fn sentences(names: &[String]) -> String {
    among(names, &[]).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Those among all `names` that are set.
fn among(names: &[String], further: &[String]) -> Vec<MisspeltVariable> {
    if !names.iter().any(|name| is_ours(name)) {
        return Vec::new();
    }
    let keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
    let others = VARIABLES.iter().map(|variable| variable.name.to_owned());
    let known: Vec<String> = keys.chain(others).chain(further.iter().cloned()).collect();
    let candidates = names.iter().filter(|name| is_ours(name) && !known.contains(name));
    let misspelt = candidates.filter_map(|name| {
        let meant = known.iter().find(|known| !names.contains(known) && is_near(name, known))?;
        Some(MisspeltVariable { name: name.clone(), meant: meant.clone() })
    });
    misspelt.collect()
}

/// Whether a name begins like ours, in any case.
fn is_ours(name: &str) -> bool {
    PREFIXES
        .iter()
        .any(|prefix| name.get(..prefix.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(prefix)))
}

/// Whether a name is that of a known variable with a slip or two in it. `AZURE_CLIENT_ID_2` is a name of its own.
fn is_near(name: &str, known: &str) -> bool {
    let (name, slips) = (name.to_ascii_uppercase(), MOST_SLIPS.min(known.len() / 8));
    !known.is_empty()
        && (name == known || !name.starts_with(known))
        && name.len().abs_diff(known.len()) <= slips
        && strsim::osa_distance(&name, known) <= slips
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str], further: &[&str]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        among(&owned(names), &owned(further))
            .iter()
            .map(|one| format!("{} {}", one.name, one.meant))
            .collect()
    }

    #[test]
    fn a_slip_is_found_and_a_name_of_its_own_is_not() {
        for (name, meant) in [
            ("ENTRAKEY_CLINET_ID", "ENTRAKEY_CLIENT_ID"),
            ("ENTRAKEY_TENANTID", "ENTRAKEY_TENANT_ID"),
            ("ENTRAKEY_IDENTIY", "ENTRAKEY_IDENTITY"),
            ("AZURE_CLIENT_SECERT", "AZURE_CLIENT_SECRET"),
            ("azure_client_id", "AZURE_CLIENT_ID"),
        ] {
            assert_eq!(of(&["PATH", name], &[]), [format!("{name} {meant}")]);
            assert!(of(&[name, meant], &[]).is_empty(), "what is meant is set too");
        }
        for name in [
            "ENTRAKEY_CLIENT_ID",
            "AZURE_CLIENT_ID_2",
            "AZURE_SUBSCRIPTION_ID",
            "AZURE_REGIONAL_AUTHORITY_NAME",
            "ENTRAKEY_LIBRARY",
            "CLINET_ID",
            "ENTRAKEY_PROXY_SERVICE_PORT",
            "",
        ] {
            assert!(of(&[name], &[]).is_empty(), "{name}");
        }
        assert_eq!(
            of(&["ENTRAKEY_PROXY_PROT"], &["ENTRAKEY_PROXY_PORT"]),
            ["ENTRAKEY_PROXY_PROT ENTRAKEY_PROXY_PORT"]
        );
    }

    #[test]
    fn no_variable_that_is_read_is_taken_for_another_one() {
        let keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
        for name in keys.chain(VARIABLES.iter().map(|variable| variable.name.to_owned())) {
            assert!(of(&[&name], &[]).is_empty(), "{name}");
        }
    }
}
