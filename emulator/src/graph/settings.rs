//! How soon the tenant knows what Graph was told, and what its policies refuse.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;

/// Long enough that a client which signs in at once is refused, as it is by Entra, where it takes seconds.
const SECRET_DELAY_MS: u64 = 250;
/// Above it Graph answered `Directory_ResourceSizeExceeded` where it was seen.
const MAX_PASSWORDS: usize = 600;
/// Users on a page, unless `$top` says how many.
const PAGE_SIZE: usize = 100;

/// How Graph behaves. All delays are of the emulator's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GraphSettings {
    /// How long the token endpoint does not take a new secret or password yet.
    pub secret_delay_ms: u64,
    /// How long the token endpoint takes a secret still that was removed.
    pub removal_delay_ms: u64,
    /// How long reads show an application's passwords as they were.
    pub read_delay_ms: u64,
    /// How long removePassword does not find a new password, though it exists.
    pub lookup_delay_ms: u64,
    /// How many passwords an object has at most.
    pub max_passwords: usize,
    /// Whether personal accounts may sign in to the applications, which then have two passwords at most.
    pub personal_accounts: bool,
    /// Whether the tenant's policy lets applications have passwords.
    pub passwords_allowed: bool,
    /// How long a password may be valid by the tenant's policy.
    pub max_lifetime_seconds: Option<u64>,
    /// How many users are on a page.
    #[schema(minimum = 1, maximum = 999)]
    pub page_size: usize,
}

impl Default for GraphSettings {
    fn default() -> Self {
        Self {
            secret_delay_ms: SECRET_DELAY_MS,
            removal_delay_ms: 0,
            read_delay_ms: 0,
            lookup_delay_ms: 0,
            max_passwords: MAX_PASSWORDS,
            personal_accounts: false,
            passwords_allowed: true,
            max_lifetime_seconds: None,
            page_size: PAGE_SIZE,
        }
    }
}

impl GraphSettings {
    pub(super) fn secret_delay(&self) -> Duration {
        Duration::from_millis(self.secret_delay_ms)
    }

    pub(super) fn removal_delay(&self) -> Duration {
        Duration::from_millis(self.removal_delay_ms)
    }

    pub(super) fn read_delay(&self) -> Duration {
        Duration::from_millis(self.read_delay_ms)
    }

    pub(super) fn lookup_delay(&self) -> Duration {
        Duration::from_millis(self.lookup_delay_ms)
    }
}
