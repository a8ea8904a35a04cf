//! The process environment, read once on the caller's thread.
//!
//! A host may change its environment from another thread at any time; in C that is a data race with every
//! reader. So nothing here or below reads a variable later than in `Provider::new`.

use super::keys::KEYS;
use super::misspelt;
use super::trust_paths::TrustPaths;
use super::variables::VARIABLES;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::env::VarError;
use std::ffi::OsString;
use std::path::Path;
use zeroize::Zeroizing;

/// The variables that matter, as they were when the provider was made.
#[derive(Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, Zeroizing<String>>,
    /// The names of variables whose values are not text.
    pub(super) not_text: Vec<String>,
    /// Sentences about variables that look like one that is read.
    pub(super) misspelt: String,
    /// Reads any other variable, for a configuration file that names it.
    others: Option<fn(&str) -> Option<String>>,
    /// What else a TLS connection trusts.
    pub(crate) trust: TrustPaths,
    /// Whether the agent of Azure Arc is installed: a service does not see the variables that it sets for people.
    pub(super) has_arc_agent: bool,
    /// No variable is read: the program has privileges that whoever set the variables may lack.
    pub(super) is_foreign: bool,
    /// Every variable, for tools that are started.
    pub(crate) all: Vec<(OsString, OsString)>,
}

/// Where Microsoft's libraries (MSAL, `managed_identity.py`) look for the agent of Azure Arc.
#[cfg(not(windows))]
const ARC_AGENT: &str = "/opt/azcmagent/bin/himds";
#[cfg(windows)]
const ARC_AGENT: &str = r"C:\Program Files\AzureConnectedMachineAgent\himds.exe";

impl Environment {
    /// Reads the process's environment. An empty variable counts as absent.
    pub(crate) fn read() -> Self {
        // An error of azure_core's asks std for a backtrace. At the first such call std reads from the environment whether
        // backtraces are wanted, and remembers the answer. Asked here, std does not read the environment later, while the
        // host may be changing it. std cannot be kept from reading, not even in a program with foreign privileges; all
        // that can follow is a call stack that nobody shows.
        drop(std::backtrace::Backtrace::capture());
        if entrakey_sys::process::has_foreign_privileges() {
            return Self::foreign();
        }
        let keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
        let names = keys.chain(VARIABLES.iter().map(|variable| variable.name.to_owned()));
        let (mut not_text, mut variables) = (Vec::new(), Vec::new());
        for name in names {
            match std::env::var(&name) {
                Ok(value) => variables.push((name, value)),
                Err(VarError::NotUnicode(_)) => not_text.push(name),
                Err(VarError::NotPresent) => {}
            }
        }
        let mut environment = Self::of(variables);
        environment.not_text = not_text;
        environment.others = Some(|name| std::env::var(name).ok());
        environment.trust = TrustPaths::find();
        environment.has_arc_agent = Path::new(ARC_AGENT).exists();
        environment.all = std::env::vars_os().collect();
        let names = environment.all.iter().filter_map(|(name, _)| name.to_str().map(str::to_owned));
        environment.misspelt = misspelt::sentences(&names.collect::<Vec<_>>());
        environment
    }

    /// The environment of a program with privileges that whoever set the variables may lack: variables could name files
    /// that only the program may read, and servers to send their contents to.
    fn foreign() -> Self {
        let path = ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()); // for az and azd
        let has_arc_agent = Path::new(ARC_AGENT).exists();
        Self {
            is_foreign: true,
            trust: TrustPaths::system(),
            has_arc_agent,
            all: vec![path],
            ..Self::default()
        }
    }

    /// For an error about something that is missing.
    pub(super) fn note(&self) -> &'static str {
        if self.is_foreign {
            " (No environment variable is read: this program is setuid or setgid, or its file has capabilities.)"
        } else {
            ""
        }
    }

    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables: BTreeMap<_, _> = variables
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, Zeroizing::new(value)))
            .collect();
        let misspelt = misspelt::sentences(&variables.keys().cloned().collect::<Vec<_>>());
        Self { variables, misspelt, ..Self::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.as_str())
    }

    /// The variable of a key.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        if self.not_text.iter().any(|it| it == name) {
            return Err(Error::invalid_config(format!(
                "Environment variable {name} is not UTF-8 text: set it to what is meant."
            )));
        }
        Ok(self.get(name))
    }

    /// Any variable, for a configuration file. This reads the process's environment: it is for `Settings::resolve`,
    /// which uses the environment up on the caller's thread.
    pub(super) fn variable(&self, name: &str) -> Option<Zeroizing<String>> {
        let other = || self.others.and_then(|read| read(name)).map(Zeroizing::new);
        self.variables.get(name).cloned().or_else(other).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_foreign_privileges_reads_no_variable_and_says_so() {
        let environment = Environment::foreign();
        assert_eq!(environment.variable("PATH").map(|path| path.to_string()), None);
        assert!(environment.note().contains("setuid") && Environment::of([]).note().is_empty());
        assert_eq!(environment.all.len(), 1, "the tools' own search path");
    }

    #[test]
    fn a_file_may_name_any_variable() {
        let mut environment = Environment::of([("KNOWN".to_owned(), "1".to_owned())]);
        environment.others = Some(|name| Some(if name == "EMPTY" { "" } else { "2" }.to_owned()));
        let named = |name| environment.variable(name).map(|value| value.to_string());
        assert_eq!((named("KNOWN").as_deref(), named("OTHER").as_deref()), (Some("1"), Some("2")));
        assert_eq!(named("EMPTY"), None);
        let path = Environment::read().variable("PATH").map(|path| path.to_string());
        assert_eq!(path, std::env::var("PATH").ok());
    }
}
