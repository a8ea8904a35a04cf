//! The other side of a token request.

/// Which protocol the other side speaks: it decides what a failure means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// The instance metadata service of a virtual machine. Proxies are never used for it and for the other managed
    /// identity endpoints: one would see the token.
    ManagedIdentity,
    /// App Service, Functions, Container Apps.
    AppService,
    AzureMl,
    Arc,
    CloudShell,
    /// Means other things by its refusals.
    ServiceFabric,
    /// Entra's token endpoint.
    Entra,
    /// Another of Azure's services, which is asked with a token: Azure Resource Manager.
    Service,
}

impl Endpoint {
    /// Whether a network lies in between, and perhaps a proxy.
    pub(super) fn is_far(self) -> bool {
        matches!(self, Self::Entra | Self::Service)
    }
}

/// Who answers where Azure's instance metadata service would be.
pub(crate) enum Presence {
    Azure,
    Nobody,
    /// Something else, with what it said: a captive portal, another cloud's metadata service.
    Stranger(String),
}
