//! Who exists in the emulated tenant, and what each may do with the cache.
//!
//! The ids are made up, fixed, and easy to tell apart in a log.

/// The tenant that everybody belongs to.
pub(crate) const TENANT_ID: &str = "72f988bf-0000-4000-8000-000000000001";

/// What an object id may do with the cache (its access policy assignment).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything.
    Owner,
    /// Commands that only read.
    Reader,
}

/// An identity: a managed one, or the service principal of an application.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The name under which the environment shows it.
    name: &'static str,
    pub(crate) client_id: &'static str,
    pub(crate) object_id: &'static str,
    pub(crate) kind: Kind,
    /// The access policy assignment; none means that the cache does not know the object id.
    pub(crate) access: Option<Access>,
    /// Whether its tokens have the `oid` claim. Real ones do.
    pub(crate) has_oid: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    SystemAssigned { resource_id: &'static str },
    UserAssigned { resource_id: &'static str },
    Application { secret: &'static str },
}

use Kind::{Application, SystemAssigned, UserAssigned};

pub(crate) static IDENTITIES: &[Identity] = &[
    Identity {
        name: "SYSTEM",
        client_id: "11111111-c000-4000-8000-000000000001",
        object_id: "11111111-0000-4000-8000-000000000001",
        kind: SystemAssigned {
            resource_id: "/subscriptions/emulated/resourcegroups/emulated/providers/Microsoft.Compute/virtualMachines/vm",
        },
        access: Some(Access::Owner),
        has_oid: true,
    },
    Identity {
        name: "SERVICE_PRINCIPAL",
        client_id: "22222222-c000-4000-8000-000000000002",
        object_id: "22222222-0000-4000-8000-000000000002",
        kind: Application { secret: "emulated-client-secret~value" },
        access: Some(Access::Owner),
        has_oid: true,
    },
    user_assigned(
        "USER_ASSIGNED",
        Some(Access::Owner),
        true,
        UserIds {
            client_id: "33333333-c000-4000-8000-000000000003",
            object_id: "33333333-0000-4000-8000-000000000003",
            resource_id: "/subscriptions/emulated/resourcegroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app",
        },
    ),
    user_assigned(
        "WITHOUT_OID",
        Some(Access::Owner),
        false,
        UserIds {
            client_id: "44444444-c000-4000-8000-000000000004",
            object_id: "44444444-0000-4000-8000-000000000004",
            resource_id: "/subscriptions/emulated/resourcegroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities/without-oid",
        },
    ),
    user_assigned(
        "WITHOUT_POLICY",
        None,
        true,
        UserIds {
            client_id: "55555555-c000-4000-8000-000000000005",
            object_id: "55555555-0000-4000-8000-000000000005",
            resource_id: "/subscriptions/emulated/resourcegroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities/without-policy",
        },
    ),
    user_assigned(
        "READER",
        Some(Access::Reader),
        true,
        UserIds {
            client_id: "66666666-c000-4000-8000-000000000006",
            object_id: "66666666-0000-4000-8000-000000000006",
            resource_id: "/subscriptions/emulated/resourcegroups/emulated/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader",
        },
    ),
];

struct UserIds {
    client_id: &'static str,
    object_id: &'static str,
    resource_id: &'static str,
}

const fn user_assigned(name: &'static str, access: Option<Access>, has_oid: bool, ids: UserIds) -> Identity {
    let UserIds { client_id, object_id, resource_id } = ids;
    Identity { name, client_id, object_id, kind: UserAssigned { resource_id }, access, has_oid }
}

impl Identity {
    pub(crate) fn resource_id(&self) -> Option<&'static str> {
        match self.kind {
            SystemAssigned { resource_id } | UserAssigned { resource_id } => Some(resource_id),
            Application { .. } => None,
        }
    }
}

/// The access of an object id, if the cache has an assignment for it.
pub(crate) fn access_of(object_id: &str) -> Option<Access> {
    IDENTITIES.iter().find(|identity| identity.object_id == object_id)?.access
}

/// The variables that show the identities: Azure's own for the application, ours for the rest.
pub(crate) fn environment() -> Vec<(&'static str, String)> {
    let mut variables = vec![("AZURE_TENANT_ID", TENANT_ID.to_owned())];
    for identity in IDENTITIES {
        if let Application { secret } = identity.kind {
            variables.push(("AZURE_CLIENT_ID", identity.client_id.to_owned()));
            variables.push(("AZURE_CLIENT_SECRET", secret.to_owned()));
        }
    }
    for (name, identity, id) in NAMED_IDS {
        if let Some(found) = IDENTITIES.iter().find(|candidate| candidate.name == *identity) {
            let value = match id {
                Id::Client => found.client_id,
                Id::Object => found.object_id,
                Id::Resource => found.resource_id().unwrap_or_default(),
            };
            variables.push((name, value.to_owned()));
        }
    }
    variables
}

enum Id {
    Client,
    Object,
    Resource,
}

const NAMED_IDS: &[(&str, &str, Id)] = &[
    ("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID", "SYSTEM", Id::Object),
    ("ENTRAKEY_EMULATOR_SERVICE_PRINCIPAL_OBJECT_ID", "SERVICE_PRINCIPAL", Id::Object),
    ("ENTRAKEY_EMULATOR_USER_ASSIGNED_CLIENT_ID", "USER_ASSIGNED", Id::Client),
    ("ENTRAKEY_EMULATOR_USER_ASSIGNED_OBJECT_ID", "USER_ASSIGNED", Id::Object),
    ("ENTRAKEY_EMULATOR_USER_ASSIGNED_RESOURCE_ID", "USER_ASSIGNED", Id::Resource),
    ("ENTRAKEY_EMULATOR_WITHOUT_OID_CLIENT_ID", "WITHOUT_OID", Id::Client),
    ("ENTRAKEY_EMULATOR_WITHOUT_POLICY_CLIENT_ID", "WITHOUT_POLICY", Id::Client),
    ("ENTRAKEY_EMULATOR_READER_CLIENT_ID", "READER", Id::Client),
];
