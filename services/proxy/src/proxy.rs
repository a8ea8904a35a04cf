//! One upstream and its clients.

use crate::ended::{By, Ended};
use crate::{DialError, DialFailure, Dialed, Metrics, Options, Peer, Upstream};
use entrakey_core::Provider;
use std::fmt;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// One upstream for any number of clients. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    upstream: Upstream,
    _provider: Provider,
    _options: Options,
    metrics: Metrics,
}

impl Proxy {
    /// Makes no connection and asks for no token yet.
    #[must_use]
    pub fn new(upstream: Upstream, provider: Provider, options: Options) -> Self {
        let metrics = Metrics::default();
        Self { shared: Arc::new(Shared { upstream, _provider: provider, _options: options, metrics }) }
    }

    /// Serves one client until its connection ends; dropping the future closes it at once. Runs on a tokio runtime with
    /// I/O and time.
    pub async fn serve<S>(&self, _client: S, _from: Peer) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin + Send,
    {
        Ended::badly(By::Proxy, "not built yet")
    }

    /// Dials, makes TLS, authenticates, says PING, and closes: whether this works at all.
    ///
    /// # Errors
    /// Where it failed, and what to do.
    pub async fn test(&self) -> Result<Dialed, DialError> {
        Err(DialError { failure: DialFailure::Connect, may_heal: false, message: "not built yet".to_owned() })
    }

    /// What has been counted.
    #[must_use]
    pub fn observe(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// The upstream.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({})", self.shared.upstream)
    }
}
