//! Where clients are led: the server, or one node of it.

use entrakey_proxy::Proxy;
use entrakey_service::Repeats;

/// One of them. Clones share everything.
#[derive(Clone)]
pub(super) struct Endpoint {
    pub(super) proxy: Proxy,
    /// What goes wrong with it. A client that is served ends that; what goes wrong with another node it does not.
    pub(super) troubles: Repeats,
}

impl Endpoint {
    pub(super) fn new(proxy: Proxy) -> Self {
        Self { proxy, troubles: Repeats::default() }
    }

    /// The node behind this port of the server.
    pub(super) fn node(&self, port: u16) -> Self {
        Self::new(self.proxy.node(port))
    }
}
