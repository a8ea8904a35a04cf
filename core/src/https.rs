//! Requests to Azure's other services, by the provider's own proxies and certificate authorities.

use crate::config::Settings;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Endpoint, Transport};
use azure_core::http::Url;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
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
        let url: Option<Url> = address.parse().ok();
        let url = url.filter(|url| url.scheme() == "https").ok_or_else(|| {
            let shown: String = address.chars().take(100).collect();
            Error::new(ErrorKind::InvalidConfig, format!("{shown} is no address that begins with https://."))
        })?;
        self.0.get(&url, bearer, timeout)
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
