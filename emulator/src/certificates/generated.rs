//! A certificate that the emulator makes for an application once somebody asks where it is.

use super::{CertificateFiles, ClientCertificate};
use crate::Error;
use crate::home::Home;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Until it is made nobody has its key, so that nobody can have signed with it.
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
            let _ = self.made.set(certificate); // nobody else makes one meanwhile
        }
        Ok(())
    }
}
