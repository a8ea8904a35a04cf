//! Who may do what.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What somebody may do with the leases of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Make some. Whoever made one may look at it and end it.
    Issue,
    /// Renew its own.
    RenewOwn,
    /// End anybody's.
    Revoke,
    /// See all of them, and the audit trail.
    List,
    /// See the users of the tenant, to pick some for the configuration.
    SeeUsers,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Issue, Self::RenewOwn, Self::Revoke, Self::List, Self::SeeUsers];

    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::RenewOwn => "renew-own",
            Self::Revoke => "revoke",
            Self::List => "list",
            Self::SeeUsers => "see-users",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.name() == word).ok_or_else(|| {
            let shown: String = word.chars().take(40).collect();
            format!("\"{shown}\" is no role: issue, renew-own, revoke, list and see-users are.")
        })
    }
}

/// All secrets.
pub const EVERY_SECRET: &str = "*";

/// What somebody may do, and with which secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Names of secrets, or `*`.
    pub secrets: BTreeSet<String>,
    /// What may be done with them.
    pub roles: BTreeSet<Role>,
}

impl Grant {
    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self { secrets: BTreeSet::from([EVERY_SECRET.to_owned()]), roles: Role::ALL.into() }
    }

    /// Whether it allows that.
    #[must_use]
    pub fn allows(&self, role: Role, secret: &str) -> bool {
        self.roles.contains(&role) && (self.secrets.contains(EVERY_SECRET) || self.secrets.contains(secret))
    }
}

/// Who asks, and what it may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// What the audit calls it.
    pub name: String,
    /// What it may do.
    pub grants: Vec<Grant>,
}

impl Caller {
    /// Whether it may do that.
    #[must_use]
    pub fn may(&self, role: Role, secret: &str) -> bool {
        self.grants.iter().any(|grant| grant.allows(role, secret))
    }

    /// Whether it may see a lease: its own, and those that it may list or end.
    #[must_use]
    pub fn may_see(&self, secret: &str, holder: &str) -> bool {
        self.name == holder || self.may(Role::List, secret) || self.may(Role::Revoke, secret)
    }

    /// Whether it may end one.
    #[must_use]
    pub fn may_end(&self, secret: &str, holder: &str) -> bool {
        self.name == holder || self.may(Role::Revoke, secret)
    }

    /// The secrets that it may do that with: none for all of them.
    #[must_use]
    pub fn secrets(&self, role: Role) -> Option<BTreeSet<String>> {
        let grants = self.grants.iter().filter(|grant| grant.roles.contains(&role));
        let all: BTreeSet<String> = grants.flat_map(|grant| grant.secrets.iter().cloned()).collect();
        (!all.contains(EVERY_SECRET)).then_some(all)
    }
}

/// A user or group of this machine that may come by the Unix socket.
#[derive(Clone, Debug)]
pub struct Client {
    /// What the audit calls it.
    pub name: String,
    /// Its users.
    pub uids: Vec<u32>,
    /// Its groups.
    pub gids: Vec<u32>,
    /// What they may do.
    pub grant: Grant,
}

impl Client {
    /// Whether a process of this user, in these groups, is it.
    #[must_use]
    pub fn is(&self, uid: u32, gids: &[u32]) -> bool {
        self.uids.contains(&uid) || gids.iter().any(|gid| self.gids.contains(gid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_holds_for_the_secrets_that_it_was_given_for() {
        let of = |secrets: &[&str], roles: &[Role]| Grant {
            secrets: secrets.iter().map(|&name| name.to_owned()).collect(),
            roles: roles.iter().copied().collect(),
        };
        let grants = vec![of(&["orders"], &[Role::Issue, Role::RenewOwn]), of(&["billing"], &[Role::List])];
        let ci = Caller { name: "ci".to_owned(), grants };
        assert!(ci.may(Role::Issue, "orders") && !ci.may(Role::Issue, "billing"));
        assert!(ci.may(Role::List, "billing") && !ci.may(Role::List, "orders"));
        assert!(
            ci.may_see("orders", "ci") && !ci.may_see("orders", "other") && ci.may_see("billing", "other")
        );
        assert!(ci.may_end("orders", "ci") && !ci.may_end("billing", "other"));
        assert_eq!(ci.secrets(Role::List), Some(BTreeSet::from(["billing".to_owned()])));
        let root = Caller { name: "root".to_owned(), grants: vec![Grant::everything()] };
        assert!(root.may(Role::Revoke, "whatever") && root.secrets(Role::List).is_none());
    }
}
