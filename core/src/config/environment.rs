//! The process environment, read once on the caller's thread.
//!
//! A host may change its environment from another thread at any time; in C that is a data race with every
//! reader. So nothing here or below reads a variable later than in `Provider::new`.

use super::keys::KEYS;
use super::values::invalid;
use super::{choice, hints, managed_identity, proxy};
use crate::error::Result;
use std::collections::BTreeMap;
use std::env::VarError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The variables that matter, as they were when the provider was made.
#[derive(Default)]
pub(crate) struct Environment {
    variables: BTreeMap<String, Zeroizing<String>>,
    /// Those that are set to something that is not text.
    pub(super) not_text: Vec<String>,
    /// Where the others are, which only a configuration file names.
    others: Option<fn(&str) -> Option<String>>,
    /// What else a TLS connection trusts.
    pub(crate) trust: TrustPaths,
    pub(super) proxies: proxy::FromEnvironment,
    /// Whether the agent of Azure Arc is installed: a service does not see the variables that it sets for people.
    pub(super) has_arc_agent: bool,
    /// Not a variable is read: the program has privileges that whoever set them may lack.
    pub(super) is_foreign: bool,
    /// All of it, for tools that are started.
    pub(crate) all: Vec<(OsString, OsString)>,
}

/// Where Microsoft's libraries (MSAL, `managed_identity.py`) look for the agent of Azure Arc.
#[cfg(not(windows))]
const ARC_AGENT: &str = "/opt/azcmagent/bin/himds";
#[cfg(windows)]
const ARC_AGENT: &str = r"C:\Program Files\AzureConnectedMachineAgent\himds.exe";

/// Kubernetes sets it in every pod.
pub(super) const KUBERNETES: &str = "KUBERNETES_SERVICE_HOST";

/// The variables that no key names.
const VARIABLES: &[&str] = &[KUBERNETES, "AZURESUBSCRIPTION_TENANT_ID", "AZURESUBSCRIPTION_CLIENT_ID"];

/// Where the system's trusted certificates are. Both empty: ask the platform's own store.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustPaths {
    pub(crate) file: Option<PathBuf>,
    pub(crate) dirs: Vec<PathBuf>,
    /// About variables that other programs take roots from, for an error about a certificate.
    pub(crate) unread: Option<String>,
}

/// Those of Python's requests, curl and Node.js.
const ROOTS_OF_OTHERS: &[&str] = &["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

fn unread_roots() -> Option<String> {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let name = ROOTS_OF_OTHERS.iter().find(is_set)?;
    Some(format!("{name} is set, and not read here: ca_file and SSL_CERT_FILE are."))
}

impl TrustPaths {
    /// Where this system keeps its roots, whatever the variables say.
    fn system() -> Self {
        #[cfg(all(unix, not(target_os = "macos")))]
        return Self {
            dirs: openssl_probe::candidate_cert_dirs().map(Path::to_owned).collect(),
            ..Self::default()
        };
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Self::default()
    }

    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` if set, else where this system keeps its bundle. A bundle that
    /// was merely found makes the directory beside it superfluous: the same roots in 140 small files.
    fn find() -> Self {
        #[cfg(all(unix, not(target_os = "macos")))]
        {
            let found = openssl_probe::probe();
            let superfluous = found.cert_file.is_some() && std::env::var_os("SSL_CERT_DIR").is_none();
            let dirs = if superfluous { Vec::new() } else { found.cert_dir };
            Self { file: found.cert_file, dirs, unread: unread_roots() }
        }
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        {
            let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let dirs = path("SSL_CERT_DIR").into_iter().collect();
            Self { file: path("SSL_CERT_FILE"), dirs, unread: unread_roots() }
        }
    }
}

impl Environment {
    /// Reads the process's environment. An empty variable counts as absent.
    pub(crate) fn read() -> Self {
        // An error of azure_core's asks std whether it is to hold a backtrace; std reads that from the environment at
        // the first time, and remembers it: here, also of a program with foreign privileges, as it would do so at a
        // request otherwise, while the host may be changing its environment. There is no way to keep std from it, and all
        // that follows is a call stack that nobody shows.
        drop(std::backtrace::Backtrace::capture());
        if entrakey_sys::process::has_foreign_privileges() {
            return Self::foreign();
        }
        let keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
        let others = managed_identity::VARIABLES
            .iter()
            .chain(choice::VARIABLES)
            .chain(hints::VARIABLES)
            .chain(VARIABLES);
        let others = others.map(|name| (*name).to_owned());
        let names = keys.chain(others);
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
        environment.proxies = proxy::FromEnvironment::read();
        environment.has_arc_agent = Path::new(ARC_AGENT).exists();
        environment.all = std::env::vars_os().collect();
        environment
    }

    /// That of a program with privileges which whoever set the variables may lack: they could name files that only the
    /// program may read, and servers of their own to send them to.
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
        let variables = variables
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, Zeroizing::new(value)))
            .collect();
        Self { variables, ..Self::default() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.as_str())
    }

    /// The variable of a key.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        if self.not_text.iter().any(|it| it == name) {
            return Err(invalid(format!(
                "Environment variable {name} is not UTF-8 text: set it to what is meant."
            )));
        }
        Ok(self.get(name))
    }

    /// Any variable, for a configuration file. This reads the process's environment: it is for `Settings::resolve`,
    /// which uses the environment up on the caller's thread.
    pub(super) fn named(&self, name: &str) -> Option<Zeroizing<String>> {
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
        assert_eq!(environment.named("PATH").map(|path| path.to_string()), None);
        assert!(environment.note().contains("setuid") && Environment::of([]).note().is_empty());
        assert_eq!(environment.all.len(), 1, "the tools' own search path");
    }

    #[test]
    fn a_file_may_name_any_variable() {
        let mut environment = Environment::of([("KNOWN".to_owned(), "1".to_owned())]);
        environment.others = Some(|name| Some(if name == "EMPTY" { "" } else { "2" }.to_owned()));
        let named = |name| environment.named(name).map(|value| value.to_string());
        assert_eq!((named("KNOWN").as_deref(), named("OTHER").as_deref()), (Some("1"), Some("2")));
        assert_eq!(named("EMPTY"), None);
        let path = Environment::read().named("PATH").map(|path| path.to_string());
        assert_eq!(path, std::env::var("PATH").ok());
    }
}
