//! A request that got no answer: what happened, in words that help.

use super::Endpoint;
use crate::error::{Error, ErrorKind};
use rustls::CertificateError;
use std::io;
use std::time::Duration;

/// `address` is scheme, host and port only: nothing of the request is repeated.
pub(super) fn describe(error: &ureq::Error, endpoint: Endpoint, address: &str, timeout: Duration) -> Error {
    let network = |reason: String| Error::new(ErrorKind::Network, reason);
    match error {
        ureq::Error::Timeout(_) => timed_out(endpoint, address, timeout),
        ureq::Error::Io(io) if io.kind() == io::ErrorKind::TimedOut => timed_out(endpoint, address, timeout),
        ureq::Error::Io(io) => match tls_error(io) {
            Some(tls) => network(tls_sentence(tls, address)),
            None => network(format!("Could not reach {address}: {io}. {}", hint(endpoint))),
        },
        ureq::Error::Rustls(tls) => network(tls_sentence(tls, address)),
        ureq::Error::HostNotFound => {
            network(format!("The host name in {address} cannot be resolved. {}", hint(endpoint)))
        }
        ureq::Error::BodyExceedsLimit(_) => Error::new(
            ErrorKind::BadResponse,
            format!("The answer from {address} is far too long for a token."),
        ),
        other => network(format!("The request to {address} failed: {other}. {}", hint(endpoint))),
    }
}

fn timed_out(endpoint: Endpoint, address: &str, timeout: Duration) -> Error {
    let seconds = timeout.as_secs_f64();
    let message = format!("No answer from {address} within {seconds:.1} s. {}", hint(endpoint));
    Error::new(ErrorKind::Timeout, message)
}

fn hint(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ManagedIdentity => {
            "Is this an Azure machine with a managed identity? Elsewhere set identity to service_principal."
        }
        Endpoint::Entra => "Check DNS, firewall and proxy, and authority_host if it is set.",
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls_sentence(error: &rustls::Error, address: &str) -> String {
    use CertificateError::{NotValidForName, NotValidForNameContext, UnknownIssuer};
    let remedy = match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "If a proxy or a private authority signs certificates here, set ca_file to its certificate."
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "The address and the certificate's name differ: check authority_host."
        }
        rustls::Error::InvalidCertificate(_) => "Check this machine's clock and the server's certificate.",
        _ => "Something between here and there does not speak TLS 1.2 or 1.3.",
    };
    format!("TLS with {address} failed: {error}. {remedy}")
}
