//! The certificate that a server shows, when it is not taken: whose it is, who issued it, what is wrong with it, and
//! what to do.

use crate::claims::is_unseen;
use crate::identity::Certificate;
use crate::redact::redacted;
use rustls::CertificateError as Fault;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, OtherError, SignatureScheme};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// Certificates that are told of one server: two or three lead to an authority, and anybody can send hundreds.
const MOST_SHOWN: usize = 10;

/// Judges as rustls does, and says whose certificate it refuses.
#[derive(Debug)]
pub(super) struct Explaining(pub(super) Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for Explaining {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verdict.map_err(|error| match error {
            Error::InvalidCertificate(fault) => {
                let sentence = sentence(end_entity, &fault, Duration::from_secs(now.as_secs()));
                let shown = [end_entity]
                    .into_iter()
                    .chain(intermediates)
                    .take(MOST_SHOWN)
                    .map(|shown| describe_certificate(shown));
                Fault::Other(OtherError(Arc::new(Refused { sentence, fault, shown: shown.collect() }))).into()
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.0.verify_tls12_signature(message, certificate, signature);
        verdict.map_err(|error| of_signature(certificate, error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let verdict = self.0.verify_tls13_signature(message, certificate, signature);
        verdict.map_err(|error| of_signature(certificate, error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

/// The certificate was taken, and not what its key has signed.
fn of_signature(shown: &CertificateDer<'_>, error: Error) -> Error {
    const WEAK: &str = "has a key that is too short (RSA needs 2048 bits), or that the server does not have";
    match error {
        Error::InvalidCertificate(fault) => {
            let sentence = format!("its certificate{} {WEAK}. {ANOTHER}", whose_in_brackets(shown));
            let shown = vec![describe_certificate(shown)];
            Fault::Other(OtherError(Arc::new(Refused { sentence, fault, shown }))).into()
        }
        other => other,
    }
}

/// Why a certificate was not taken, in a sentence that begins with "its certificate" and one that says what to do.
#[derive(Debug)]
pub(super) struct Refused {
    sentence: String,
    fault: Fault,
    shown: Vec<String>,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Refused {}

/// What was wrong with a certificate that [`crate::Provider::server_tls`] has refused, for whoever decides by it: the text of
/// [`crate::describe_tls_error`] is for people.
#[must_use]
pub fn certificate_fault(error: &Error) -> Option<&Fault> {
    match (error, refused(error)) {
        (_, Some(refused)) => Some(&refused.fault),
        (Error::InvalidCertificate(Fault::Other(_)), None) => None,
        (Error::InvalidCertificate(fault), None) => Some(fault),
        _ => None,
    }
}

/// The certificates, as [`describe_certificate`] has them, that came with one that [`crate::Provider::server_tls`] has refused:
/// that one first, then those that are to lead to its authority. Who stands in between shows itself here.
#[must_use]
pub fn refused_certificates(error: &Error) -> &[String] {
    refused(error).map_or(&[], |refused| &refused.shown)
}

fn refused(error: &Error) -> Option<&Refused> {
    match error {
        Error::InvalidCertificate(Fault::Other(OtherError(other))) => other.downcast_ref::<Refused>(),
        _ => None,
    }
}

/// Whose certificate it is and who issued it: `for "a.example, b.example", issued by "An Authority"`.
#[must_use]
pub fn describe_certificate(shown: &CertificateDer<'_>) -> String {
    whose(shown, Certificate::parse(shown).ok().as_ref()).join(", ")
}

const PRIVATE_AUTHORITY: &str =
    "If a proxy or a private authority signs certificates here, set ca_file to that authority's certificate.";
const ANOTHER: &str = "The server needs another certificate.";

fn sentence(shown: &CertificateDer<'_>, fault: &Fault, now: Duration) -> String {
    let certificate = Certificate::parse(shown).ok();
    let (what, remedy) = verdict(certificate.as_ref(), fault, now);
    format!("its certificate{} {what}. {remedy}", whose_in_brackets(shown))
}

fn whose_in_brackets(shown: &CertificateDer<'_>) -> String {
    let whose = describe_certificate(shown);
    if whose.is_empty() { whose } else { format!(" ({whose})") }
}

fn whose(shown: &CertificateDer<'_>, certificate: Option<&Certificate>) -> Vec<String> {
    let names = names(shown).or(certificate.and_then(Certificate::subject_name));
    let issuer = certificate.and_then(Certificate::issuer_name);
    let of = |what: &str, name: Option<String>| {
        name.map(|name| format!("{what} \"{}\"", visible(&redacted(&name, &[]))))
    };
    [of("for", names), of("issued by", issuer)].into_iter().flatten().collect()
}

/// The beginning of a name, without what would move a terminal's cursor: anybody can put anything into a certificate.
fn visible(name: &str) -> String {
    name.chars().take(100).map(|c| if c.is_control() || is_unseen(c) { '?' } else { c }).collect()
}

/// What is wrong, after "its certificate", and what to do.
fn verdict(certificate: Option<&Certificate>, fault: &Fault, now: Duration) -> (String, &'static str) {
    let is_self_signed = certificate.is_some_and(Certificate::is_self_signed);
    let date = |time: Duration| httpdate::fmt_http_date(UNIX_EPOCH + time);
    let (what, remedy) = match fault {
        Fault::UnknownIssuer if is_self_signed => (
            "is signed by itself",
            "If it is the right one, set ca_file to it; else something stands in between.",
        ),
        Fault::UnknownIssuer => ("comes from an issuer that is not trusted here", PRIVATE_AUTHORITY),
        Fault::Expired | Fault::ExpiredContext { .. } => {
            return match certificate.filter(|certificate| certificate.not_after < now) {
                Some(certificate) => (
                    format!("expired on {}", date(certificate.not_after)),
                    "The server needs a new one; if that date is to come, this machine's clock is wrong.",
                ),
                None => (
                    "comes from an issuer whose own certificate has expired".to_owned(),
                    "The server has to send its issuer's current certificate, or ca_file the current one.",
                ),
            };
        }
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => {
            return match certificate.filter(|certificate| certificate.not_before > now) {
                Some(certificate) => (
                    format!("is valid only from {}", date(certificate.not_before)),
                    "If that date is past, this machine's clock is wrong.",
                ),
                None => (
                    "comes from an issuer whose own certificate is not valid yet".to_owned(),
                    "Check this machine's clock.",
                ),
            };
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
            ("is not for that address", "Check the configured address, or give the server one for it.")
        }
        Fault::BadSignature => ("has a signature that is not its issuer's", PRIVATE_AUTHORITY),
        #[allow(deprecated, reason = "rustls may still give it")]
        Fault::UnsupportedSignatureAlgorithm
        | Fault::UnsupportedSignatureAlgorithmContext { .. }
        | Fault::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => match is_sha1(fault) {
            true => ("or its issuer's is signed with SHA-1, which is not safe and not taken", ANOTHER),
            false => ("or its issuer's is signed in a way that is not supported", ANOTHER),
        },
        Fault::Revoked => ("was revoked", ANOTHER),
        Fault::InvalidPurpose | Fault::InvalidPurposeContext { .. } => {
            ("is not meant for servers (serverAuth is not among its purposes)", ANOTHER)
        }
        Fault::UnhandledCriticalExtension => ("has a critical extension that is not known here", ANOTHER),
        Fault::BadEncoding => ("cannot be read", ANOTHER),
        Fault::Other(OtherError(error)) => of_webpki(error.downcast_ref(), is_self_signed),
        _ => ("is not valid", ANOTHER),
    };
    (what.to_owned(), remedy)
}

/// Faults of a certificate that rustls has no name for.
fn of_webpki(error: Option<&webpki::Error>, is_self_signed: bool) -> (&'static str, &'static str) {
    use webpki::Error::{
        CaUsedAsEndEntity, EndEntityUsedAsCa, MaximumPathDepthExceeded, NameConstraintViolation,
        PathLenConstraintViolated, UnsupportedCertVersion,
    };
    match error {
        Some(CaUsedAsEndEntity) if is_self_signed => (
            "is signed by itself and an authority's (CA:TRUE), which a server's must not be",
            "Let the server show one without that, and set ca_file to it or to its issuer's.",
        ),
        Some(CaUsedAsEndEntity) => ("is an authority's (CA:TRUE), which a server's must not be", ANOTHER),
        Some(UnsupportedCertVersion) => ("is not of version 3", ANOTHER),
        Some(EndEntityUsedAsCa) => ("is issued by one that is no authority's (CA:FALSE)", PRIVATE_AUTHORITY),
        Some(NameConstraintViolation | PathLenConstraintViolated | MaximumPathDepthExceeded) => {
            ("is one that its authority may not issue", ANOTHER)
        }
        _ => ("is not valid", ANOTHER),
    }
}

/// Algorithms of signatures with SHA-1, as in RFC 3279 and RFC 5758: of RSA, ECDSA and DSA.
const SHA1: [&[u8]; 3] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
    &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
];

fn is_sha1(fault: &Fault) -> bool {
    let (Fault::UnsupportedSignatureAlgorithmContext { signature_algorithm_id: id, .. }
    | Fault::UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id: id, .. }) = fault
    else {
        return false;
    };
    SHA1.iter().any(|sha1| id.windows(sha1.len()).any(|part| part == *sha1))
}

/// The host names that the certificate is for, the first of them.
fn names(shown: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(shown).ok()?;
    let names: Vec<_> = certificate.valid_dns_names().take(3).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use rustls::RootCertStore;
    use webpki::Error as Webpki;

    struct Made(CertificateDer<'static>);

    fn params(names: &[&str], common_name: &str) -> CertificateParams {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.distinguished_name.push(DnType::OrganizationName, "Contoso");
        params
    }

    fn self_signed(params: CertificateParams) -> Made {
        Made(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone())
    }

    fn issued(params: CertificateParams) -> Made {
        let mut authority = params.clone();
        authority.subject_alt_names.clear();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "Proxy Authority");
        let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
        Made(params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap().der().clone())
    }

    impl Made {
        /// What is said of the certificate at `now`, trusting `roots`.
        fn refused(&self, name: &str, now: u64, roots: &[&Self]) -> String {
            let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            roots.iter().for_each(|root| store.add(root.0.clone()).unwrap());
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier =
                WebPkiServerVerifier::builder_with_provider(store.into(), provider).build().unwrap();
            let name = ServerName::try_from(name.to_owned()).unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(now));
            let verdict = Explaining(verifier).verify_server_cert(&self.0, &[], &name, &[], now);
            let error = verdict.err().unwrap();
            super::super::failure::describe_tls_error(&error, "https://login.example")
        }

        /// Those that are described of what came: this one, and those that are to lead to its authority.
        fn shown(&self, with: &[CertificateDer<'_>]) -> Vec<String> {
            let store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let verifier =
                WebPkiServerVerifier::builder_with_provider(store.into(), provider).build().unwrap();
            let name = ServerName::try_from("login.example").unwrap();
            let now = UnixTime::since_unix_epoch(Duration::from_secs(NOW));
            let verdict = Explaining(verifier).verify_server_cert(&self.0, with, &name, &[], now);
            refused_certificates(&verdict.err().unwrap()).to_vec()
        }
    }

    const NOW: u64 = 1_800_000_000;

    fn says(said: &str, parts: &[&str]) {
        for part in parts {
            assert!(said.contains(part), "{part}: {said}");
        }
        for odd in ["Error", "Context", "{", "[", "CaUsed", "UnknownIssuer"] {
            assert!(!said.contains(odd), "{odd}: {said}");
        }
        assert!(said.len() < 420, "{said}");
    }

    #[test]
    fn every_certificate_that_came_is_told_when_the_first_is_refused() {
        let leaf = issued(params(&["login.example"], "login.example"));
        let between = issued(params(&[], "Proxy Intermediate"));
        assert_eq!(
            leaf.shown(&[between.0, CertificateDer::from_slice(b"no certificate")]),
            [
                "for \"login.example\", issued by \"Proxy Authority, Contoso\"",
                "for \"Proxy Intermediate, Contoso\", issued by \"Proxy Authority, Contoso\"",
                "",
            ]
        );
    }

    #[test]
    fn a_certificate_that_is_not_taken_is_described() {
        let server = || params(&["login.example"], "login.example");
        let said = self_signed(server()).refused("login.example", NOW, &[]);
        says(
            &said,
            &["for \"login.example\"", "issued by \"login.example, Contoso\"", "signed by itself", "ca_file"],
        );
        let mut authority = server();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let said = self_signed(authority).refused("login.example", NOW, &[]);
        says(&said, &["signed by itself and an authority's (CA:TRUE)", "ca_file"]);
        let said = issued(server()).refused("login.example", NOW, &[]);
        says(
            &said,
            &["issued by \"Proxy Authority, Contoso\"", "not trusted here", "ca_file to that authority's"],
        );
        let trusted = self_signed(server());
        let said = trusted.refused("login.other", NOW, &[&trusted]);
        says(&said, &["for \"login.example\"", "is not for that address"]);
        let mut old = server();
        old.not_after = rcgen::date_time_ymd(2020, 2, 29);
        let old = self_signed(old);
        says(&old.refused("login.example", NOW, &[&old]), &["expired on Sat, 29 Feb 2020", "clock"]);
        let mut early = server();
        early.not_before = rcgen::date_time_ymd(2090, 1, 2);
        let early = self_signed(early);
        says(&early.refused("login.example", NOW, &[&early]), &["valid only from Mon, 02 Jan 2090", "clock"]);
        let mut client = server();
        client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let client = self_signed(client);
        says(&client.refused("login.example", NOW, &[&client]), &["not meant for servers"]);
    }

    #[test]
    fn a_key_that_is_too_short_is_told_with_whose_it_is() {
        let made = self_signed(params(&["login.example"], "login.\u{202e}example"));
        let error = of_signature(&made.0, Error::InvalidCertificate(Fault::BadSignature));
        let said = crate::transport::describe_tls_error(&error, "https://login.example");
        says(&said, &["for \"login.example\"", "issued by \"login.?example, Contoso\"", "2048 bits"]);
        assert_eq!(certificate_fault(&error), Some(&Fault::BadSignature));
    }

    #[test]
    fn every_other_fault_has_words_too() {
        let of_webpki = |error: Webpki| Fault::Other(OtherError(Arc::new(error)));
        let sha1 = |id: &[u8]| Fault::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: id.to_vec(),
            supported_algorithms: Vec::new(),
        };
        let cases = [
            (sha1(SHA1[0]), "SHA-1"),
            (sha1(SHA1[1]), "SHA-1"),
            (sha1(&[0x2a]), "not supported"),
            (Fault::Revoked, "revoked"),
            (Fault::BadSignature, "signature"),
            (Fault::BadEncoding, "cannot be read"),
            (Fault::UnhandledCriticalExtension, "critical extension"),
            (of_webpki(Webpki::UnsupportedCertVersion), "version 3"),
            (of_webpki(Webpki::CaUsedAsEndEntity), "CA:TRUE"),
            (of_webpki(Webpki::EndEntityUsedAsCa), "CA:FALSE"),
            (of_webpki(Webpki::PathLenConstraintViolated), "may not issue"),
            (of_webpki(Webpki::InvalidSerialNumber), "not valid"),
        ];
        let unreadable = CertificateDer::from(b"no certificate".to_vec());
        for (fault, part) in cases {
            says(&sentence(&unreadable, &fault, Duration::from_secs(NOW)), &["its certificate ", part]);
        }
    }
}
