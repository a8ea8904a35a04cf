//! Where the files of an application's certificate are.

use crate::home::Home;
use std::path::PathBuf;

#[derive(Clone, Debug)]
pub(crate) struct CertificateFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) private_key: PathBuf,
    /// Both in one file, as Azure's own libraries want it.
    pub(crate) both: Option<PathBuf>,
}

impl CertificateFiles {
    /// The files of a certificate that the emulator makes for an application.
    pub(crate) fn generated_for(app: &str, home: &Home) -> Self {
        let path = |suffix: &str| home.path().join(format!("{app}.{suffix}"));
        Self { certificate: path("cert.pem"), private_key: path("key.pem"), both: Some(path("pem")) }
    }
}
