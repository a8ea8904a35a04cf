//! Requests to Azure's other services, by the provider's own proxies and certificate authorities.

use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Endpoint, Transport};
use azure_core::http::Url;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use ureq::http::HeaderMap;
use zeroize::Zeroizing;

/// Sends requests over https as token requests are sent: through the same proxy, trusting the same authorities. From
/// [`crate::Provider::https`]. Blocks; makes a connection for each request, and follows no redirects.
pub struct Https(Transport);

/// An answer over https, whatever its status.
pub struct HttpsAnswer {
    /// The status.
    pub status: u16,
    /// The body. It may hold secrets.
    pub body: Zeroizing<Vec<u8>>,
    /// When to come back, if it says so.
    pub retry_after: Option<Duration>,
    /// This machine's clock less the answer's `Date`, in milliseconds, to about a second and the time that the answer took.
    pub clock_skew_ms: Option<i64>,
    headers: HeaderMap,
}

/// A request to one of Azure's services.
#[derive(Clone, Copy)]
pub struct HttpsRequest<'a> {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'a str,
    /// Where it goes.
    pub address: &'a str,
    /// A token that goes along.
    pub bearer: Option<&'a str>,
    /// More headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, if it has one.
    pub json: Option<&'a [u8]>,
    /// The most that it may take.
    pub timeout: Duration,
}

impl Https {
    pub(crate) fn new(settings: Arc<Settings>) -> Self {
        Self(Transport::new(Endpoint::Service, settings))
    }

    /// The answer to a GET. `bearer` is a token that goes along.
    ///
    /// # Errors
    /// `INVALID_CONFIG` if the address is not one of https; `NETWORK`, `TIMEOUT` or `BAD_RESPONSE` if no answer came.
    pub fn get(&self, address: &str, bearer: Option<&str>, timeout: Duration) -> Result<HttpsAnswer> {
        self.send(&HttpsRequest { method: "GET", address, bearer, headers: &[], json: None, timeout })
    }

    /// The answer to a request. Nothing is sent twice: whether it took effect is not known if no answer came.
    ///
    /// # Errors
    /// As [`Https::get`].
    pub fn send(&self, request: &HttpsRequest<'_>) -> Result<HttpsAnswer> {
        let address = request.address;
        let url: Option<Url> = address.parse().ok();
        let url = url.filter(|url| url.scheme() == "https").ok_or_else(|| {
            let shown: String = address.chars().take(100).collect();
            Error::new(ErrorKind::InvalidConfig, format!("{shown} is no address that begins with https://."))
        })?;
        self.0.call(&url, request)
    }
}

impl HttpsAnswer {
    pub(crate) fn new(
        status: u16,
        body: Vec<u8>,
        retry_after: Option<Duration>,
        clock_skew_ms: Option<i64>,
        headers: HeaderMap,
    ) -> Self {
        Self { status, body: Zeroizing::new(body), retry_after, clock_skew_ms, headers }
    }

    /// What a header of the answer says, if it is there and is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl fmt::Debug for HttpsRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Https")
    }
}

impl fmt::Debug for HttpsAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}
