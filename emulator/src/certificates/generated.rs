//! A certificate that the emulator makes for an application when its environment is first asked for.

use super::{CertificateFiles, ClientCertificate};
use crate::Error;
use crate::home::Home;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Until the certificate is made, no client has its key, so that no assertion can have been signed with it.
#[derive(Debug)]
pub(crate) struct GeneratedCertificate {
    app: String,
    home: Arc<Home>,
    making: Mutex<()>,
    made: OnceLock<ClientCertificate>,
}

impl GeneratedCertificate {
    pub(crate) fn new(app: &str, home: &Arc<Home>) -> Self {
        Self { app: app.to_owned(), home: home.clone(), making: Mutex::default(), made: OnceLock::new() }
    }

    /// If it is made already.
    pub(crate) fn made(&self) -> Option<&ClientCertificate> {
        self.made.get()
    }

    /// Where it and its key are, or will be.
    pub(crate) fn files(&self) -> CertificateFiles {
        CertificateFiles::generated_for(&self.app, &self.home)
    }

    /// Makes it, if that was not done yet. Takes some hundredths of a second.
    pub(crate) fn make(&self) -> Result<(), Error> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if self.made.get().is_none() {
            let certificate = ClientCertificate::generate(&self.app, &self.home)?;
            let _ = self.made.set(certificate); // the lock is held: it was not set meanwhile
        }
        Ok(())
    }
}
