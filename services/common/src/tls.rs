//! The certificate that a service shows to its clients. When its files are renewed the next client is shown the new one.

use crate::log::{Log, Severity};
use crate::reload::Seen;
use std::fmt;
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{ServerConfig, crypto};

/// How often the files are looked at, if clients come. A look costs two system calls.
const PACE: Duration = Duration::from_secs(1);
/// A new certificate may be there before its key, and a file before all of it: until then nothing is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// TLS 1.2 and 1.3 with the certificate (and those that vouch for it) and the private key of two PEM files. They are read
/// again when they have changed; what is then wrong with them the log says, and the former certificate goes on.
///
/// # Errors
/// A file cannot be read, holds nothing of the kind, or the two do not belong together.
pub fn server_config(certificate: &Path, key: &Path, log: &Log) -> Result<Arc<ServerConfig>> {
    let shown = Shown::new(certificate, key, log)?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(ErrorKind::InvalidInput, error))?;
    Ok(Arc::new(config.with_no_client_auth().with_cert_resolver(Arc::new(shown))))
}

/// What clients are shown.
struct Shown {
    certificate: PathBuf,
    key: PathBuf,
    log: Log,
    state: Mutex<State>,
}

struct State {
    current: Arc<CertifiedKey>,
    seen: Seen,
    looked: Instant,
    /// Since when the files are other ones and cannot be used.
    unfit: Option<Instant>,
    /// Whether that was said.
    is_told: bool,
}

impl Shown {
    fn new(certificate: &Path, key: &Path, log: &Log) -> Result<Self> {
        let mut seen = Seen::default();
        [certificate, key].into_iter().for_each(|path| seen.look_at(path));
        let current = Arc::new(read(certificate, key)?);
        let state = State { current, seen, looked: Instant::now(), unfit: None, is_told: false };
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self { certificate, key, log: log.clone(), state: Mutex::new(state) })
    }

    /// What a client is shown at that time.
    fn at(&self, now: Instant) -> Arc<CertifiedKey> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) >= PACE {
            state.looked = now;
            self.look(&mut state, now);
        }
        state.current.clone()
    }

    fn look(&self, state: &mut State, now: Instant) {
        if state.seen.has_changed() {
            (state.unfit, state.is_told) = (Some(now), false);
        }
        let Some(since) = state.unfit else { return };
        match read(&self.certificate, &self.key) {
            Ok(renewed) => {
                (state.current, state.unfit) = (Arc::new(renewed), None);
                let path = self.certificate.display();
                self.log.line(
                    Severity::Info,
                    format_args!("clients are shown the renewed certificate of {path}"),
                    &[],
                );
            }
            Err(what) if !state.is_told && now.saturating_duration_since(since) >= PATIENCE => {
                state.is_told = true;
                let what = format_args!("{what}: clients are shown the certificate that was there before");
                self.log.line(Severity::Warning, what, &[]);
            }
            Err(_) => {}
        }
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.at(Instant::now()))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shown").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey> {
    let refuse = |path: &Path, what: String| {
        Error::new(ErrorKind::InvalidInput, format!("{}: {what}", path.display()))
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| {
        refuse(certificate, format!("no certificate in PEM can be read from it ({error})"))
    })?;
    if chain.is_empty() {
        return Err(refuse(certificate, "there is no certificate in PEM in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key);
    // The error of a key may not quote it.
    let private = private.map_err(|_| refuse(key, "no private key in PEM can be read from it".to_owned()))?;
    let unfit = |error| {
        refuse(certificate, format!("it cannot be shown with the key of {} ({error})", key.display()))
    };
    CertifiedKey::from_der(chain, private, &crypto::ring::default_provider()).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Format, tests::Paper};
    use std::fs;

    /// A certificate and its key in PEM, and the certificate as it is shown.
    fn made() -> (String, String, Vec<u8>) {
        let one = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (one.cert.pem(), one.signing_key.serialize_pem(), one.cert.der().to_vec())
    }

    #[test]
    fn a_renewed_certificate_is_shown_once_its_key_is_there_and_what_stays_wrong_is_told_once() {
        let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(12).collect();
        let folder = std::env::temp_dir().join(format!("entrakey-tls-{random}"));
        fs::create_dir(&folder).unwrap();
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        let ((old, old_key, _), (new, new_key, renewed)) = (made(), made());
        fs::write(&certificate, &old).unwrap();
        fs::write(&key, &old_key).unwrap();
        let written = Paper::default();
        let log = Log::new(Format::Human, Severity::Info, written.clone()).unwrap();
        let shown = Shown::new(&certificate, &key, &log).unwrap();
        let is_renewed = |at| shown.at(at).cert[0].as_ref() == renewed;
        let start = Instant::now();
        // Another file: a clock of files that ticks slowly does not tell two that are written one after the other.
        let put = |path: &Path, text: &str| {
            fs::write(folder.join("new"), text).unwrap();
            fs::rename(folder.join("new"), path).unwrap();
        };
        put(&certificate, &new);
        assert!(!is_renewed(start + PACE), "its key is not there yet");
        put(&key, &new_key);
        assert!(!is_renewed(start + PACE * 3 / 2), "nobody looks as often");
        assert!(is_renewed(start + PACE * 2));
        fs::remove_file(&key).unwrap();
        for seconds in 3..200 {
            assert!(is_renewed(start + PACE * seconds));
        }
        log.flush(Duration::from_secs(20));
        let said = written.text();
        assert_eq!(
            (said.matches("renewed").count(), said.matches("no private key").count()),
            (1, 1),
            "{said}"
        );
        put(&key, "");
        assert!(is_renewed(start + PACE * 300));
        put(&key, &new_key);
        assert!(is_renewed(start + PACE * 301));
        log.flush(Duration::from_secs(20));
        assert_eq!(written.text().matches("renewed").count(), 2, "{}", written.text());
        fs::remove_dir_all(&folder).unwrap();
    }
}
