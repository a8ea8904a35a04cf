//! TLS: version, certificate, names, and who signs certificates in between.

use super::connection::{Connection, certificates, plain_answer};
use super::finding::{Cause, Finding};
use super::subject::Subject;
use crate::family::{CLASSIC_PORT, MANAGED_PORT};
use entrakey_core::{certificate_fault, describe_tls_error, refused_certificates};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_rustls::rustls::{self, CertificateError as Certificate, ClientConfig};

pub(super) const STEP: &str = "tls";

pub(super) struct Evidence {
    /// What was agreed on, or what failed in whole sentences.
    pub(super) outcome: Result<Vec<String>, Failed>,
    /// What the port says to a PING without TLS, if TLS failed.
    pub(super) plain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The certificate names somebody else.
    Name,
    /// Its issuer is not trusted.
    Issuer,
    /// Another fault of the certificate's.
    Certificate,
    /// What came is not TLS.
    NotTls,
    Other,
}

pub(super) struct Failed {
    pub(super) fault: Fault,
    pub(super) text: String,
    /// A line for each certificate that the server showed.
    pub(super) shown: Vec<String>,
}

pub(super) fn gather(
    address: SocketAddr,
    config: &Arc<ClientConfig>,
    subject: &Subject,
) -> (Evidence, Option<Box<Connection>>) {
    match Connection::open(address, config.clone(), &subject.host) {
        Ok(connection) => {
            let evidence = Evidence { outcome: Ok(connection.described()), plain: None };
            (evidence, Some(connection))
        }
        Err(error) => {
            let failed = failed(&error, &subject.to_string());
            (Evidence { outcome: Err(failed), plain: plain_answer(address) }, None)
        }
    }
}

pub(super) fn failed(error: &io::Error, address: &str) -> Failed {
    let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match of_tls {
        Some(refused) => {
            let text = describe_tls_error(refused, address);
            let fault = match (refused, certificate_fault(refused)) {
                (rustls::Error::InvalidMessage(_), _) => Fault::NotTls,
                (_, Some(Certificate::NotValidForName | Certificate::NotValidForNameContext { .. })) => {
                    Fault::Name
                }
                // A signature is wrong also if another authority has taken the issuer's name.
                (_, Some(Certificate::UnknownIssuer | Certificate::BadSignature)) => Fault::Issuer,
                (_, Some(_)) => Fault::Certificate,
                (_, None) => Fault::Other,
            };
            Failed { fault, text, shown: certificates(refused_certificates(refused)) }
        }
        None => Failed {
            fault: Fault::Other,
            text: format!("TLS with {address} failed: {error}."),
            shown: Vec::new(),
        },
    }
}

pub(super) fn diagnose(evidence: &Evidence, subject: &Subject) -> Finding {
    let failed = match &evidence.outcome {
        Ok(agreed) => return Finding::ok(STEP).seen(agreed.clone()),
        Err(failed) => failed,
    };
    let text = failed.text.as_str();
    let cause = match (failed.fault, &evidence.plain) {
        (_, Some(_)) => Cause::new(
            "plain_port",
            format!(
                "Port {} of {} speaks Redis without TLS, where a token would cross the network in clear: use the TLS \
                 port, {MANAGED_PORT} of Azure Managed Redis or {CLASSIC_PORT} of Azure Cache for Redis.",
                subject.port, subject.host
            ),
        )
        .mended_by([subject.at_its_port()]),
        (Fault::NotTls, None) => Cause::new("not_tls", text),
        (Fault::Name, None) => Cause::new(
            "certificate_name",
            format!(
                "{text} Azure's certificates name hosts, never the addresses of nodes: connect by the cache's public \
                 name, or give that as the TLS server name."
            ),
        ),
        (Fault::Issuer, None) => Cause::new("certificate_issuer", text)
            .mended_by(["export ENTRAKEY_CA_FILE=/path/to/that/authority.pem".to_owned()]),
        (Fault::Certificate, None) => Cause::new("certificate", text),
        (Fault::Other, None) => Cause::new("tls_failed", text),
    };
    let plain = evidence.plain.iter().map(|line| format!("without TLS it answers {line:?}"));
    Finding::problem(STEP, [cause]).seen(failed.shown.iter().cloned().chain(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::subject::for_tests;

    #[test]
    fn each_failure_has_its_cause() {
        let subject = for_tests("c.redis.cache.windows.net");
        for (fault, plain, id) in [
            (Fault::NotTls, Some("-NOAUTH Authentication required."), "plain_port"),
            (Fault::Other, Some("+PONG"), "plain_port"),
            (Fault::NotTls, None, "not_tls"),
            (Fault::Name, None, "certificate_name"),
            (Fault::Issuer, None, "certificate_issuer"),
            (Fault::Certificate, None, "certificate"),
            (Fault::Other, None, "tls_failed"),
        ] {
            let failed = Failed { fault, text: "TLS failed.".to_owned(), shown: Vec::new() };
            let evidence = Evidence { outcome: Err(failed), plain: plain.map(str::to_owned) };
            assert_eq!(diagnose(&evidence, &subject).causes[0].id, id);
        }
    }
}
