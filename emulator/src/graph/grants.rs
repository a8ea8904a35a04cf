//! What a principal may do in Graph.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An application permission of Graph that matters here.
/// <https://learn.microsoft.com/graph/permissions-reference>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Permission {
    /// Reads applications.
    #[serde(rename = "Application.Read.All")]
    ApplicationRead,
    /// Changes the applications that the principal owns.
    #[serde(rename = "Application.ReadWrite.OwnedBy")]
    ApplicationOwned,
    /// Changes any application.
    #[serde(rename = "Application.ReadWrite.All")]
    ApplicationAll,
    /// Reads users.
    #[serde(rename = "User.Read.All")]
    UserRead,
    /// Changes users; their passwords only together with a role.
    #[serde(rename = "User.ReadWrite.All")]
    UserAll,
    /// Changes users' passwords, together with a role.
    #[serde(rename = "User-PasswordProfile.ReadWrite.All")]
    UserPasswordProfile,
}

/// A role of the directory that matters here.
/// <https://learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum DirectoryRole {
    /// May reset the passwords of those who are no administrators.
    #[serde(rename = "User Administrator")]
    UserAdministrator,
    /// May reset administrators' passwords too.
    #[serde(rename = "Privileged Authentication Administrator")]
    PrivilegedAuthenticationAdministrator,
}

/// What a principal may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphGrant {
    /// Application permissions.
    pub permissions: Vec<Permission>,
    /// Roles of the directory.
    pub roles: Vec<DirectoryRole>,
    /// The client ids of the applications that it owns.
    pub owns: Vec<String>,
}

impl GraphGrant {
    fn has(&self, wanted: &[Permission]) -> bool {
        wanted.iter().any(|permission| self.permissions.contains(permission))
    }

    /// `OwnedBy` too lists and reads all applications.
    pub(crate) fn may_read_applications(&self) -> bool {
        self.has(&[Permission::ApplicationRead, Permission::ApplicationOwned, Permission::ApplicationAll])
    }

    pub(crate) fn may_change_application(&self, client_id: &str) -> bool {
        let owns = || self.owns.iter().any(|owned| owned.eq_ignore_ascii_case(client_id));
        self.has(&[Permission::ApplicationAll]) || (self.has(&[Permission::ApplicationOwned]) && owns())
    }

    pub(crate) fn may_read_users(&self) -> bool {
        self.has(&[Permission::UserRead, Permission::UserAll])
    }

    /// The permission alone is not enough: a role says whose password it is good for.
    pub(crate) fn may_reset_password(&self, of_administrator: bool) -> bool {
        let permitted = self.has(&[Permission::UserPasswordProfile, Permission::UserAll]);
        let privileged = self.roles.contains(&DirectoryRole::PrivilegedAuthenticationAdministrator);
        let ordinary = self.roles.contains(&DirectoryRole::UserAdministrator);
        permitted && (privileged || (ordinary && !of_administrator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> GraphGrant {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn owned_by_is_for_owned_applications_and_a_password_needs_permission_and_role() {
        let owned = grant(r#"{"permissions": ["Application.ReadWrite.OwnedBy"], "owns": ["A"]}"#);
        assert!(owned.may_read_applications() && owned.may_change_application("a"));
        assert!(!owned.may_change_application("b") && !owned.may_read_users());
        assert!(grant(r#"{"permissions": ["Application.ReadWrite.All"]}"#).may_change_application("b"));
        let reader = grant(r#"{"permissions": ["Application.Read.All", "User.Read.All"], "owns": ["a"]}"#);
        assert!(reader.may_read_applications() && reader.may_read_users());
        assert!(!reader.may_change_application("a") && !reader.may_reset_password(false));

        let permission = r#""permissions": ["User-PasswordProfile.ReadWrite.All"]"#;
        let with = |roles: &str| grant(&format!("{{{permission}, \"roles\": {roles}}}"));
        assert!(!with("[]").may_reset_password(false));
        let ordinary = with(r#"["User Administrator"]"#);
        assert!(ordinary.may_reset_password(false) && !ordinary.may_reset_password(true));
        assert!(with(r#"["Privileged Authentication Administrator"]"#).may_reset_password(true));
        let roles_only = grant(r#"{"roles": ["Privileged Authentication Administrator"]}"#);
        assert!(!roles_only.may_reset_password(false));
    }
}
