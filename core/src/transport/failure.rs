//! A request that got no answer: what happened, in words that help.

use super::Endpoint;
use crate::error::{Error, ErrorKind};
use azure_core::http::Url;
use rustls::CertificateError;
use std::io;
use std::time::Duration;

/// Who was asked, as far as it may be shown: nothing of the request.
pub(super) struct Party<'a> {
    pub(super) endpoint: Endpoint,
    /// Scheme, host and port.
    pub(super) address: &'a str,
    /// Host and port of the proxy in between.
    pub(super) proxy: Option<String>,
}

/// The proxy through which `target` is reached, without its user and password.
pub(super) fn proxy_to(proxy: &ureq::Proxy, target: &Url) -> Option<String> {
    let passed_by = target.as_str().parse().is_ok_and(|uri| proxy.is_no_proxy(&uri));
    (!passed_by).then(|| format!("{}:{}", proxy.host(), proxy.port()))
}

pub(super) fn describe(error: &ureq::Error, party: &Party<'_>, timeout: Duration) -> Error {
    let address = party.address;
    let network = |reason: String| Error::new(ErrorKind::Network, reason);
    match error {
        ureq::Error::Timeout(_) => timed_out(party, timeout),
        ureq::Error::Io(io) if io.kind() == io::ErrorKind::TimedOut => timed_out(party, timeout),
        ureq::Error::Io(io) => match tls_error(io) {
            Some(tls) => network(tls_sentence(tls, address)),
            None => network(format!("Could not reach {address}: {io}. {}", hint(party))),
        },
        ureq::Error::Rustls(tls) => network(tls_sentence(tls, address)),
        ureq::Error::HostNotFound => {
            network(format!("The host name in {address} cannot be resolved. {}", hint(party)))
        }
        ureq::Error::BodyExceedsLimit(_) => Error::new(
            ErrorKind::BadResponse,
            format!("The answer from {address} is far too long for a token."),
        ),
        other => network(format!("The request to {address} failed: {other}. {}", hint(party))),
    }
}

fn timed_out(party: &Party<'_>, timeout: Duration) -> Error {
    let (address, seconds) = (party.address, timeout.as_secs_f64());
    let message = format!("No answer from {address} within {seconds:.1} s. {}", hint(party));
    Error::new(ErrorKind::Timeout, message)
}

fn hint(party: &Party<'_>) -> String {
    match (party.endpoint, &party.proxy) {
        (Endpoint::ManagedIdentity | Endpoint::ServiceFabric, _) => {
            "Is this an Azure machine with a managed identity? Elsewhere set identity to service_principal.".into()
        }
        (Endpoint::Entra, None) => {
            "Check DNS and firewall, the proxy variables if a proxy is needed, and authority_host if it is set."
                .into()
        }
        (Endpoint::Entra, Some(proxy)) => {
            format!("The way there is the proxy {proxy}: check that it is right and running, or NO_PROXY.")
        }
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn tls_sentence(error: &rustls::Error, address: &str) -> String {
    use CertificateError::{
        ApplicationVerificationFailure, NotValidForName, NotValidForNameContext, UnknownIssuer,
    };
    let remedy = match error {
        rustls::Error::InvalidCertificate(UnknownIssuer) => {
            "If a proxy or a private authority signs certificates here, set ca_file to its certificate."
        }
        rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => {
            "The address and the certificate's name differ: check authority_host."
        }
        rustls::Error::InvalidCertificate(ApplicationVerificationFailure) => {
            "Its certificate is not the one that IDENTITY_SERVER_THUMBPRINT names."
        }
        rustls::Error::InvalidCertificate(_) => "Check this machine's clock and the server's certificate.",
        _ => "Something between here and there does not speak TLS 1.2 or 1.3.",
    };
    format!("TLS with {address} failed: {error}. {remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_in_between_is_named_without_its_password_unless_it_is_passed_by() {
        let said = |target: &str| {
            let proxy = ureq::Proxy::builder(ureq::ProxyProtocol::Http)
                .host("proxy.corp")
                .port(3128)
                .username("me")
                .password("s3cret")
                .no_proxy("login.direct")
                .build()
                .unwrap();
            let proxy = proxy_to(&proxy, &target.parse().unwrap());
            let party = Party { endpoint: Endpoint::Entra, address: target, proxy };
            let refused = ureq::Error::Io(io::ErrorKind::ConnectionRefused.into());
            describe(&refused, &party, Duration::from_secs(10)).to_string()
        };
        let through = said("https://login.example");
        assert!(through.contains("proxy.corp:3128") && !through.contains("s3cret"), "{through}");
        assert!(!said("https://login.direct").contains("proxy.corp"));
    }
}
