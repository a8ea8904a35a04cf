//! A request that got no answer: what happened, in words that help.

use super::endpoint::Endpoint;
use super::presented::Refused;
use crate::config::Way;
use crate::error::{Error, ErrorKind};
use crate::shortage::shortage;
use std::io;
use std::time::Duration;
use ureq::Timeout;

/// The other side of the request, as far as a message may show it: nothing of the request itself.
pub(super) struct Party<'a> {
    pub(super) endpoint: Endpoint,
    /// Scheme, host and port.
    pub(super) address: &'a str,
    /// The way to Entra.
    pub(super) way: Way,
}

pub(super) fn describe(error: &ureq::Error, party: &Party<'_>, timeout: Duration) -> Error {
    let (address, evidence) = (party.address, Evidence::from(error));
    let network = |reason: String| Error::new(ErrorKind::Network, reason);
    match error {
        ureq::Error::Timeout(_) => timed_out(party, evidence, timeout),
        ureq::Error::Io(io) if io.kind() == io::ErrorKind::TimedOut => timed_out(party, evidence, timeout),
        ureq::Error::Io(io) => match tls_error(io) {
            Some(tls) => network(describe_tls_error(tls, address)),
            None => network(format!("Could not reach {address}: {io}. {}", hint(party, evidence))),
        },
        ureq::Error::Rustls(tls) => network(describe_tls_error(tls, address)),
        ureq::Error::HostNotFound => {
            network(format!("The host name in {address} cannot be resolved. {}", hint(party, evidence)))
        }
        ureq::Error::BodyExceedsLimit(_) => Error::new(
            ErrorKind::BadResponse,
            format!("The answer from {address} is far too long for a token."),
        ),
        ureq::Error::ConnectProxyFailed(said) => network(proxy_refused(party, said)),
        error if is_no_http(error) => Error::new(
            ErrorKind::BadResponse,
            format!("{address} answered something that is not HTTP. {}", stranger(party)),
        ),
        other => network(format!("The request to {address} failed: {other}. {}", hint(party, evidence))),
    }
}

/// What a proxy answered to CONNECT, if it was not that it is connected. Upstream's words have its status twice.
fn proxy_refused(party: &Party<'_>, said: &str) -> String {
    let Way::Through(proxy) = &party.way else {
        return format!("The proxy failed: {said}. {}", hint_for_entra(party));
    };
    let status: Option<u16> = said.rsplit(['/', ' ']).next().and_then(|status| status.parse().ok());
    let (what, remedy) = match status {
        Some(407) => (
            "wants another user or password (status 407)".to_owned(),
            "Write them into its address, percent-encoded: http://user:password@host:port. Of a proxy's ways to sign in only \
             Basic is known here.",
        ),
        Some(status) => (
            format!("does not let {} through (status {status})", party.address),
            "Have that host permitted there, or let NO_PROXY name it if it can be reached directly.",
        ),
        None => {
            ("broke off without an answer".to_owned(), "Check that it is right and running, or NO_PROXY.")
        }
    };
    format!("The proxy {proxy} {what}. {remedy}")
}

/// Whether the other side answered, and the answer was not HTTP.
fn is_no_http(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Protocol(_) | ureq::Error::Http(_) | ureq::Error::LargeResponseHeader(..))
}

/// What the other side may be if it speaks no HTTP.
fn stranger(party: &Party<'_>) -> String {
    let asked_for = match (party.endpoint, &party.way) {
        (Endpoint::Entra | Endpoint::Service, Way::Through(proxy)) => {
            return format!("The way there is the proxy {proxy}: is it one for HTTP?");
        }
        (Endpoint::Entra, Way::Direct { .. }) => {
            "authority_host, if it is set, and what stands between here and there"
        }
        (Endpoint::Service, Way::Direct { .. }) => "the address, and what stands between here and there",
        (Endpoint::ManagedIdentity, _) => "imds_endpoint, if it is set, and who listens at that address",
        (Endpoint::AppService | Endpoint::Arc | Endpoint::ServiceFabric, _) => {
            "IDENTITY_ENDPOINT, and who listens at that address"
        }
        (Endpoint::AzureMl | Endpoint::CloudShell, _) => "MSI_ENDPOINT, and who listens at that address",
    };
    format!("Something else is there: check {asked_for}.")
}

fn timed_out(party: &Party<'_>, evidence: Evidence, timeout: Duration) -> Error {
    let (address, seconds) = (party.address, timeout.as_secs_f64());
    let message = format!("No answer from {address} within {seconds:.1} s. {}", hint(party, evidence));
    Error::new(ErrorKind::Timeout, message)
}

/// What a failed request proves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// No connection came about: perhaps nothing listens there.
    Absent,
    /// The other side took the connection, and did not answer or answered no HTTP.
    Mute,
    /// This process or machine could not even begin.
    Ours(&'static str),
}

impl Evidence {
    fn from(error: &ureq::Error) -> Self {
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) | ureq::Error::HostNotFound => {
                Self::Absent
            }
            ureq::Error::Timeout(_) => Self::Mute,
            ureq::Error::Io(io) => Self::from_io(io),
            _ => Self::Mute,
        }
    }

    fn from_io(error: &io::Error) -> Self {
        use io::ErrorKind::{
            AddrNotAvailable, BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, PermissionDenied,
            UnexpectedEof, WouldBlock,
        };
        if let Some(sentence) = shortage(error).filter(|_| error.kind() != WouldBlock) {
            return Self::Ours(sentence);
        }
        match error.kind() {
            AddrNotAvailable => Self::Ours(
                "This machine has no local address or port left for the connection: look for connections that are \
                 opened again and again (TIME_WAIT), and for the network interface.",
            ),
            PermissionDenied => Self::Ours(
                "This machine does not let the process connect there: check its firewall and what confines the \
                 process (seccomp, SELinux, AppArmor, a sandbox of systemd's).",
            ),
            ConnectionReset | ConnectionAborted | BrokenPipe | UnexpectedEof | InvalidData => Self::Mute,
            _ => Self::Absent,
        }
    }
}

/// Whether the cause of the failure is in this process or machine.
pub(super) fn is_ours(error: &ureq::Error) -> bool {
    matches!(Evidence::from(error), Evidence::Ours(_))
}

fn hint(party: &Party<'_>, evidence: Evidence) -> String {
    let is_absent = evidence == Evidence::Absent;
    let text = match (party.endpoint, evidence) {
        (_, Evidence::Ours(sentence)) => sentence,
        (Endpoint::Entra, _) => return hint_for_entra(party),
        (Endpoint::Service, _) => return hint_for_service(party),
        (Endpoint::ManagedIdentity, _) if is_absent => {
            "Is this an Azure machine with a managed identity? Elsewhere set identity to service_principal."
        }
        (Endpoint::ManagedIdentity, _) => {
            "Whoever is at the address of the instance metadata service took the connection and did not answer the \
             request."
        }
        (Endpoint::AppService, _) if is_absent => {
            "IDENTITY_ENDPOINT names this address: is the app's managed identity switched on, and was the app \
             restarted since? Outside App Service, Functions and Container Apps unset IDENTITY_ENDPOINT and \
             IDENTITY_HEADER."
        }
        (Endpoint::AppService, _) => "IDENTITY_ENDPOINT names this address; it did not answer the request.",
        (Endpoint::AzureMl, _) if is_absent => {
            "MSI_ENDPOINT names this address. Outside Azure Machine Learning unset MSI_ENDPOINT and MSI_SECRET."
        }
        (Endpoint::AzureMl | Endpoint::CloudShell, _) if !is_absent => {
            "MSI_ENDPOINT names this address; it did not answer the request."
        }
        (Endpoint::AzureMl | Endpoint::CloudShell, _) => {
            "MSI_ENDPOINT names this address. Outside Cloud Shell unset MSI_ENDPOINT."
        }
        (Endpoint::Arc, _) if is_absent => {
            "Azure Arc's agent should listen there: is it running (systemctl status himdsd, azcmagent show)? \
             IDENTITY_ENDPOINT names the address if it is set."
        }
        (Endpoint::Arc, _) => "Azure Arc's agent should have answered the request: look at azcmagent logs.",
        (Endpoint::ServiceFabric, _) if is_absent => {
            "IDENTITY_ENDPOINT names this address: is the cluster's Managed Identity Token Service running on this \
             node?"
        }
        (Endpoint::ServiceFabric, _) => {
            "IDENTITY_ENDPOINT names this address: the cluster's Managed Identity Token Service did not answer the \
             request."
        }
    };
    text.to_owned()
}

fn hint_for_entra(party: &Party<'_>) -> String {
    match &party.way {
        Way::Direct { unread: None } => {
            "Check DNS and firewall, the proxy variables if a proxy is needed, and authority_host if it is set.".into()
        }
        Way::Direct { unread: Some(variable) } => format!(
            "It was asked directly: {variable} is set, and it is for plain http only. If a proxy is needed, set \
             HTTPS_PROXY or proxy. Otherwise check DNS and firewall, and authority_host if it is set."
        ),
        Way::Through(proxy) => {
            format!("The way there is the proxy {proxy}: check that it is right and running, or NO_PROXY.")
        }
    }
}

fn hint_for_service(party: &Party<'_>) -> String {
    match &party.way {
        Way::Direct { .. } => {
            "Check the address, DNS and firewall, and the proxy variables if a proxy is needed.".to_owned()
        }
        Way::Through(_) => hint_for_entra(party),
    }
}

/// Whether TLS failed, and not the connection under it.
pub(super) fn is_tls(error: &ureq::Error) -> bool {
    match error {
        ureq::Error::Rustls(_) => true,
        ureq::Error::Io(io) => tls_error(io).is_some(),
        _ => false,
    }
}

fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What went wrong with TLS and what to do, in whole sentences. Of a certificate that [`crate::Provider::server_tls`] has
/// refused they say whose it is and who issued it.
#[must_use]
pub fn describe_tls_error(error: &rustls::Error, address: &str) -> String {
    use rustls::{CertificateError, Error, OtherError};
    const NO_TLS: &str = "Something between here and there does not speak TLS 1.2 or 1.3.";
    let text = match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(error))) if error.is::<Refused>() => {
            error.to_string()
        }
        Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure) => {
            "its certificate is not the one that IDENTITY_SERVER_THUMBPRINT names.".to_owned()
        }
        Error::InvalidCertificate(_) => {
            "its certificate cannot be used. The server needs another one.".to_owned()
        }
        Error::InvalidMessage(_) => {
            "what came is not TLS. Is it plain http that is spoken there, or a proxy's port?".to_owned()
        }
        Error::AlertReceived(alert) => {
            format!(
                "the other side broke off with alert {} of TLS: {} Its log says more.",
                u8::from(*alert),
                meaning(*alert)
            )
        }
        Error::PeerIncompatible(_) => {
            format!("the other side offers no version or cipher that is safe. {NO_TLS}")
        }
        Error::NoCertificatesPresented => "the server shows no certificate.".to_owned(),
        _ => format!("the two sides did not come to an agreement. {NO_TLS}"),
    };
    format!("TLS with {address} failed: {text}")
}

/// What a server means by an alert: <https://www.rfc-editor.org/rfc/rfc8446#section-6>.
fn meaning(alert: rustls::AlertDescription) -> &'static str {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::ProtocolVersion => "it speaks neither TLS 1.2 nor 1.3.",
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            "it has no version, cipher or kind of certificate that is taken here."
        }
        Alert::UnrecognisedName => "it serves no host of that name. Is the address right?",
        Alert::CertificateRequired
        | Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => {
            "it wants a client's certificate, and none is shown here. Is the address right?"
        }
        Alert::InternalError => "it has a trouble of its own.",
        _ => "it did not go on with this client.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_told_by_its_meaning() {
        use rustls::AlertDescription as Alert;
        for (alert, part) in [
            (Alert::ProtocolVersion, "neither TLS 1.2 nor 1.3"),
            (Alert::UnrecognisedName, "no host of that name"),
            (Alert::CertificateRequired, "client's certificate"),
            (Alert::InternalError, "of its own"),
            (Alert::Unknown(200), "alert 200"),
        ] {
            let said = describe_tls_error(&rustls::Error::AlertReceived(alert), "https://login.example");
            assert!(said.contains(part), "{said}");
            assert_eq!(said.contains("TLS 1.2"), alert == Alert::ProtocolVersion, "{said}");
        }
    }

    #[test]
    fn a_proxy_that_refuses_is_told_by_its_status() {
        let proxy = "proxy.corp:3128 (environment variable HTTPS_PROXY)";
        for (said, parts) in [
            ("proxy server responded 407/407", ["user or password (status 407)", "percent-encoded"]),
            ("proxy server responded 403/403", ["https://login.example through (status 403)", "NO_PROXY"]),
            ("proxy server did not respond", ["without an answer", "NO_PROXY"]),
        ] {
            let party = Party {
                endpoint: Endpoint::Entra,
                address: "https://login.example",
                way: Way::Through(proxy.to_owned()),
            };
            let error = ureq::Error::ConnectProxyFailed(said.to_owned());
            let shown = describe(&error, &party, Duration::from_secs(10)).to_string();
            assert!(shown.contains(proxy) && parts.iter().all(|part| shown.contains(part)), "{shown}");
            assert!(!shown.contains("407/407"), "{shown}");
        }
    }

    #[test]
    fn the_way_to_entra_is_told_as_it_was() {
        let said = |way: Way| {
            let party = Party { endpoint: Endpoint::Entra, address: "https://login.example", way };
            let refused = ureq::Error::Io(io::ErrorKind::ConnectionRefused.into());
            describe(&refused, &party, Duration::from_secs(10)).to_string()
        };
        let proxy = "proxy.corp:3128 (environment variable HTTPS_PROXY)";
        assert!(said(Way::Through(proxy.to_owned())).contains(proxy));
        let unread = said(Way::Direct { unread: Some("HTTP_PROXY") });
        assert!(unread.contains("HTTP_PROXY is set") && unread.contains("set HTTPS_PROXY"), "{unread}");
        assert!(!said(Way::Direct { unread: None }).contains("HTTP_PROXY"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_this_process_lacks_is_not_looked_for_on_the_other_side() {
        for (number, says) in
            [(24, "file descriptors"), (23, "file descriptors"), (105, "memory"), (13, "firewall")]
        {
            for endpoint in [Endpoint::ManagedIdentity, Endpoint::AppService, Endpoint::Entra] {
                let error = ureq::Error::Io(io::Error::from_raw_os_error(number));
                let party =
                    Party { endpoint, address: "http://127.0.0.1", way: Way::Direct { unread: None } };
                let said = describe(&error, &party, Duration::from_secs(10)).to_string();
                assert!(is_ours(&error) && said.contains(says), "{said}");
                assert!(!said.contains("Azure machine") && !said.contains("DNS"), "{said}");
            }
        }
        for number in [111, 113, 101, 104] {
            assert!(!is_ours(&ureq::Error::Io(io::Error::from_raw_os_error(number))), "{number}");
        }
    }
}
