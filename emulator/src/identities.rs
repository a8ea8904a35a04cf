//! Whom the emulator knows.

const SUBSCRIPTION: &str = "/subscriptions/0e17a000-0000-4000-8000-00000000005b/resourcegroups/entrakey";

/// What an identity may do at the Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessPolicy {
    /// Every command.
    Owner,
    /// Every command but those that write.
    Reader,
}

/// A managed identity or a service principal.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// How notes call it.
    pub name: &'static str,
    /// The client (application) id.
    pub client_id: String,
    /// The object id of the principal, which is its username at the Redis.
    pub object_id: String,
    /// The Azure resource id, if it is a managed identity.
    pub resource_id: Option<String>,
    /// The client secret, if it is a service principal.
    pub client_secret: Option<String>,
    /// What it may do at the Redis; `None`: it may not connect.
    pub access_policy: Option<AccessPolicy>,
    /// Whether its tokens carry the `oid` claim.
    pub has_oid_claim: bool,
}

/// Everyone the emulator knows, in one tenant. The ids are the same in every run.
///
/// | identity | client id ends in | object id ends in | at the Redis |
/// |---|---|---|---|
/// | `system` | 8001-000000000001 | 8001-000000000002 | owner |
/// | `user_assigned` | 8002-000000000001 | 8002-000000000002 | owner |
/// | `without_oid` | 8003-000000000001 | 8003-000000000002 | refused: its tokens have no `oid` claim |
/// | `without_policy` | 8004-000000000001 | 8004-000000000002 | refused: no access policy |
/// | `reader` | 8005-000000000001 | 8005-000000000002 | reader |
/// | `service_principal` | 8006-000000000001 | 8006-000000000002 | owner |
///
/// All of them begin with `0e17a000-0000-4000-`; the tenant is `0e17a000-0000-4000-8000-000000000000`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identities {
    /// The tenant's id.
    pub tenant_id: String,
    /// The managed identity that answers when none is named.
    pub system: Identity,
    /// A user-assigned managed identity.
    pub user_assigned: Identity,
    /// A user-assigned managed identity whose tokens have no `oid` claim.
    pub without_oid: Identity,
    /// A user-assigned managed identity that the Redis does not know.
    pub without_policy: Identity,
    /// A user-assigned managed identity that may only read.
    pub reader: Identity,
    /// A service principal with a secret.
    pub service_principal: Identity,
}

impl Identities {
    /// The managed identity with this client id, object id or resource id.
    pub(crate) fn managed(&self, by: SelectBy, value: &str) -> Option<&Identity> {
        self.all().into_iter().filter(|identity| identity.resource_id.is_some()).find(|identity| {
            let id = match by {
                SelectBy::ClientId => Some(&identity.client_id),
                SelectBy::ObjectId => Some(&identity.object_id),
                SelectBy::ResourceId => identity.resource_id.as_ref(),
            };
            id.is_some_and(|id| id.eq_ignore_ascii_case(value))
        })
    }

    /// The service principal with this client id, and its secret.
    pub(crate) fn principal(&self, client_id: &str) -> Option<(&Identity, &str)> {
        let principal = &self.service_principal;
        let secret = principal.client_secret.as_deref()?;
        principal.client_id.eq_ignore_ascii_case(client_id).then_some((principal, secret))
    }

    /// What the Redis lets this object id do.
    pub(crate) fn access_policy(&self, object_id: &str) -> Option<AccessPolicy> {
        self.all().into_iter().find(|identity| identity.object_id == object_id)?.access_policy
    }

    fn all(&self) -> [&Identity; 6] {
        [
            &self.system,
            &self.user_assigned,
            &self.without_oid,
            &self.without_policy,
            &self.reader,
            &self.service_principal,
        ]
    }
}

impl Default for Identities {
    fn default() -> Self {
        let system = Identity {
            resource_id: Some(format!("{SUBSCRIPTION}/providers/Microsoft.Compute/virtualMachines/emulator")),
            ..identity("system-assigned identity", 1)
        };
        let service_principal = Identity {
            client_secret: Some("emulator~secret~of~the~service~principal".to_owned()),
            ..identity("service principal", 6)
        };
        Self {
            tenant_id: "0e17a000-0000-4000-8000-000000000000".to_owned(),
            system,
            user_assigned: user_assigned("user-assigned", 2),
            without_oid: Identity { has_oid_claim: false, ..user_assigned("without-oid", 3) },
            without_policy: Identity { access_policy: None, ..user_assigned("without-policy", 4) },
            reader: Identity { access_policy: Some(AccessPolicy::Reader), ..user_assigned("reader", 5) },
            service_principal,
        }
    }
}

fn user_assigned(name: &'static str, number: u8) -> Identity {
    let resource_id = format!("{SUBSCRIPTION}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}");
    Identity { resource_id: Some(resource_id), ..identity(name, number) }
}

fn identity(name: &'static str, number: u8) -> Identity {
    Identity {
        name,
        client_id: format!("0e17a000-0000-4000-80{number:02}-000000000001"),
        object_id: format!("0e17a000-0000-4000-80{number:02}-000000000002"),
        resource_id: None,
        client_secret: None,
        access_policy: Some(AccessPolicy::Owner),
        has_oid_claim: true,
    }
}

/// By what a request names a managed identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SelectBy {
    ClientId,
    ObjectId,
    ResourceId,
}
