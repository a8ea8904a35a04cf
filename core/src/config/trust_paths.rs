//! Where the system keeps its trusted certificate authorities. Looked for when a provider is made, and never later.

use super::variables::{ROOTS_OF_OTHERS, SSL_CERT_DIR, SSL_CERT_FILE};
use std::path::PathBuf;

/// Files and folders of certificates. Both empty: ask the platform's own store.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrustPaths {
    pub(crate) file: Option<PathBuf>,
    pub(crate) dirs: Vec<PathBuf>,
    /// A sentence for an error about a certificate: a variable from which other programs take roots is set.
    pub(crate) unread: Option<String>,
}

fn unread_roots() -> Option<String> {
    let is_set = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let name = ROOTS_OF_OTHERS.iter().find(is_set)?;
    Some(format!("{name} is set, and not read here: ca_file and {SSL_CERT_FILE} are."))
}

impl TrustPaths {
    /// Where this system keeps its roots, whatever the variables say.
    pub(super) fn system() -> Self {
        #[cfg(all(unix, not(target_os = "macos")))]
        return Self {
            dirs: openssl_probe::candidate_cert_dirs().map(std::path::Path::to_owned).collect(),
            ..Self::default()
        };
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        Self::default()
    }

    /// `SSL_CERT_FILE` and `SSL_CERT_DIR` if set, else where this system keeps its bundle. A bundle that
    /// was merely found makes the directory beside it superfluous: the same roots in 140 small files.
    pub(super) fn find() -> Self {
        #[cfg(all(unix, not(target_os = "macos")))]
        {
            let found = openssl_probe::probe();
            let superfluous = found.cert_file.is_some() && std::env::var_os(SSL_CERT_DIR).is_none();
            let dirs = if superfluous { Vec::new() } else { found.cert_dir };
            Self { file: found.cert_file, dirs, unread: unread_roots() }
        }
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        {
            let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
            let dirs = path(SSL_CERT_DIR).into_iter().collect();
            Self { file: path(SSL_CERT_FILE), dirs, unread: unread_roots() }
        }
    }
}
