//! What the endpoints of managed identities say in sentences only, for whoever has to tell it apart.

/// Why the endpoint of managed identities has no token for the identity that was asked for. More may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManagedIdentityFault {
    /// The identity is not attached to this virtual machine.
    NotAttachedToMachine,
    /// It is not attached to this app: App Service, Functions, Container Apps.
    NotAttachedToApp,
    /// It is not attached to what else this runs on.
    NotAttached,
    /// Several user-assigned identities are attached, and none was named.
    Several,
}
