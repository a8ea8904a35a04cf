//! What goes over the API, as JSON. OpenAPI is made of it.

use crate::lease::{Kind, Lease, State};
use crate::plan::{SecretPlan, is_path_part};
use crate::store::Entry;
use crate::users::User;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use zeroize::Zeroizing;

/// A time to live: a whole number of seconds, or `1h30m`, `1d`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged, expecting = "ttl must be 1h30m, 1d or the like, or a whole number of seconds")]
pub(crate) enum Ttl {
    /// Seconds.
    Seconds(u64),
    /// Words, as in `1h30m`.
    Text(String),
}

impl Ttl {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Seconds(seconds) => seconds.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What somebody wants.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLease {
    /// The dynamic secret's name.
    pub(crate) secret: String,
    /// How long it is to live; the secret's default if not given.
    pub(crate) ttl: Option<Ttl>,
    /// For whom, of those that the dynamic secret lists. Not needed if it lists one.
    pub(crate) user: Option<String>,
}

/// How long a lease is to live from now on.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Renewal {
    /// From now; as long as when it was made if not given.
    pub(crate) ttl: Option<Ttl>,
}

/// The credential. It is said once.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Credential {
    /// Of `application_password`.
    Application {
        /// The tenant to sign in to.
        tenant_id: Option<String>,
        /// The application's client id.
        client_id: String,
        /// Its new secret.
        #[schema(value_type = String)]
        client_secret: Zeroizing<String>,
        /// When Entra takes it no more, whatever becomes of the lease: seconds since 1970.
        secret_ends_at: i64,
    },
    /// Of `redis_access`.
    Access {
        /// Who may use the cache now.
        object_id: String,
        /// The cache's resource id.
        cache: String,
        /// The access policy.
        access_policy: String,
    },
    /// Of `user_password`.
    User {
        /// What the user signs in as.
        user: String,
        /// Its object id: its name at a cache.
        object_id: String,
        /// Its password from now on.
        #[schema(value_type = String)]
        password: Zeroizing<String>,
    },
}

/// A new lease.
#[derive(Serialize, ToSchema)]
pub(crate) struct IssuedLease {
    #[serde(flatten)]
    pub(crate) lease: LeaseView,
    /// The credential. Nobody can ask for it again.
    pub(crate) data: Credential,
}

/// A lease. Times are seconds since 1970.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LeaseView {
    /// What it is called.
    pub(crate) lease_id: String,
    /// Of which dynamic secret.
    pub(crate) secret: String,
    /// `application_password`, `redis_access` or `user_password`.
    pub(crate) kind: &'static str,
    /// The application, the user's object id, or the cache and the object id.
    pub(crate) target: String,
    /// What the user of a `user_password` signs in as.
    pub(crate) user_name: Option<String>,
    /// Who made it.
    pub(crate) holder: String,
    /// `intent`, `created`, `active`, `revoking`, `revoked` or `failed`.
    pub(crate) state: &'static str,
    /// Whether renewing it would move its end.
    pub(crate) renewable: bool,
    /// Seconds that it has left.
    pub(crate) lease_duration: i64,
    /// When it was made.
    pub(crate) created_at: i64,
    /// When it ends if it is not renewed.
    pub(crate) expires_at: i64,
    /// When it ends at last.
    pub(crate) max_expires_at: i64,
    /// What Azure calls it: the key's id, or the assignment's name.
    pub(crate) key_id: Option<String>,
    /// Why it ended, or failed.
    pub(crate) reason: Option<String>,
    /// What went wrong last.
    pub(crate) last_error: Option<String>,
    /// Whether the caller may renew it.
    pub(crate) may_renew: bool,
    /// Whether the caller may revoke it.
    pub(crate) may_revoke: bool,
}

impl LeaseView {
    pub(crate) fn new(lease: &Lease, caller: &crate::access::Caller, now_ms: i64) -> Self {
        use crate::access::Role;
        let is_active = lease.state == State::Active;
        let left = if is_active { (lease.expires_ms.saturating_sub(now_ms) / 1000).max(0) } else { 0 };
        Self {
            lease_id: lease.id.clone(),
            secret: lease.secret.clone(),
            kind: lease.kind.name(),
            target: lease.target.clone(),
            user_name: lease.user_name.clone(),
            holder: lease.holder.clone(),
            state: lease.state.name(),
            renewable: is_active && lease.expires_ms < lease.max_expires_ms && lease.expires_ms > now_ms,
            lease_duration: left,
            created_at: lease.created_ms / 1000,
            expires_at: lease.expires_ms / 1000,
            max_expires_at: lease.max_expires_ms / 1000,
            key_id: lease.key_id.clone(),
            reason: lease.reason.clone(),
            last_error: lease.last_error.clone(),
            may_renew: lease.holder == caller.name && caller.may(Role::RenewOwn, &lease.secret),
            may_revoke: caller.may_end(&lease.secret, &lease.holder),
        }
    }
}

/// A page of leases, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Leases {
    pub(crate) leases: Vec<LeaseView>,
    /// What to ask for the next page with; none on the last.
    pub(crate) next_cursor: Option<String>,
    /// What time it is for this service, seconds since 1970.
    pub(crate) now: i64,
}

/// Which leases.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseQuery {
    /// Of that dynamic secret.
    pub(crate) secret: Option<String>,
    /// In that state; `living` for all that are not over.
    pub(crate) state: Option<String>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many: 100 if not given, 500 at most.
    pub(crate) limit: Option<u32>,
}

/// What leases can be made of.
#[derive(Serialize, ToSchema)]
pub(crate) struct DynamicSecret {
    pub(crate) name: String,
    /// `application_password`, `redis_access` or `user_password`.
    pub(crate) kind: &'static str,
    /// The application, or the cache.
    pub(crate) target: Option<String>,
    /// Seconds.
    pub(crate) default_ttl: u64,
    /// Seconds.
    pub(crate) max_ttl: u64,
    /// For how many users a lease can be, of whom one is chosen; 0 if it is for nobody in particular.
    pub(crate) users: usize,
    /// The user, if there is one.
    pub(crate) user: Option<String>,
    /// How many live.
    pub(crate) living: i64,
    /// How many there may be.
    pub(crate) max_leases: u32,
    /// What the caller may do with it: `issue`, `renew-own`, `revoke`, `list`, `see-users`.
    pub(crate) roles: Vec<&'static str>,
}

/// All that the caller may use.
#[derive(Serialize, ToSchema)]
pub(crate) struct DynamicSecrets {
    pub(crate) dynamic_secrets: Vec<DynamicSecret>,
}

/// Which users.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct UserQuery {
    /// What is in the name; of the tenant's users, what the name begins with.
    pub(crate) search: Option<String>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many: 100 if not given, 500 at most.
    pub(crate) limit: Option<u32>,
}

/// One of those that a lease can be for.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretUser {
    /// As the configuration calls it: what `user` of a new lease is.
    pub(crate) user: String,
    /// Whether somebody has a lease for it now: there can be one at a time.
    pub(crate) is_taken: bool,
    /// When that one ends if it is not renewed.
    pub(crate) taken_until: Option<i64>,
}

/// A page of them, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretUsers {
    pub(crate) users: Vec<SecretUser>,
    /// What to ask for the next page with; none on the last.
    pub(crate) next_cursor: Option<String>,
}

/// A user of the tenant.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantUserView {
    /// Its object id.
    pub(crate) id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) user_principal_name: Option<String>,
    /// What it is called in the secret's `users`.
    pub(crate) entry: String,
    /// Whether it is there.
    pub(crate) is_listed: bool,
}

impl TenantUserView {
    pub(crate) fn new(user: User, plan: &SecretPlan) -> Self {
        let User { id, display_name, user_principal_name } = user;
        let name = user_principal_name.as_deref();
        // A cache knows object ids only, and a guest's name has letters that no path takes.
        let by_name = name.filter(|name| plan.kind() == Kind::UserPassword && is_path_part(name));
        let is_it = |one: &String| {
            one.eq_ignore_ascii_case(&id) || name.is_some_and(|name| one.eq_ignore_ascii_case(name))
        };
        Self {
            entry: by_name.unwrap_or(&id).to_owned(),
            is_listed: plan.users().iter().any(is_it),
            id,
            display_name,
            user_principal_name,
        }
    }
}

/// A page of the tenant's users.
#[derive(Serialize, ToSchema)]
pub(crate) struct TenantUsers {
    pub(crate) users: Vec<TenantUserView>,
    /// What to ask for the next page with; none on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// What the audit calls it.
    pub(crate) name: String,
    /// This installation's name.
    pub(crate) installation: String,
}

/// One row of the audit trail.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditRow {
    /// Later rows have higher numbers.
    pub(crate) number: i64,
    /// Milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// What was done.
    pub(crate) event: String,
    /// By whom.
    pub(crate) actor: String,
    pub(crate) lease_id: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) key_id: Option<String>,
    /// Azure's id of the request.
    pub(crate) request_id: Option<String>,
    pub(crate) detail: Option<String>,
}

impl From<Entry> for AuditRow {
    fn from(entry: Entry) -> Self {
        let Entry { number, at_ms, event, actor, lease, secret, key_id, request_id, detail } = entry;
        Self { number, at_ms, event, actor, lease_id: lease, secret, key_id, request_id, detail }
    }
}

/// A page of the audit trail, the newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Audit {
    pub(crate) audit: Vec<AuditRow>,
    /// What to ask for the next page with; none on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Which rows of the audit trail.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditQuery {
    /// Of that lease.
    pub(crate) lease_id: Option<String>,
    /// Of that dynamic secret.
    pub(crate) secret: Option<String>,
    /// By that one.
    pub(crate) actor: Option<String>,
    /// That deed.
    pub(crate) event: Option<String>,
    /// Not older: seconds since 1970.
    pub(crate) since: Option<i64>,
    /// `next_cursor` of the page before.
    pub(crate) cursor: Option<String>,
    /// How many: 100 if not given, 500 at most.
    pub(crate) limit: Option<u32>,
}

/// Why there is no other answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct Refusal {
    pub(crate) error: RefusalReason,
}

/// A word for programs, and a sentence that says what to do.
#[derive(Serialize, ToSchema)]
pub(crate) struct RefusalReason {
    /// `ttl_invalid`, `ttl_exceeds_max`, `not_found`, `lease_limit`, …
    pub(crate) code: String,
    pub(crate) message: String,
    /// The lease that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lease_id: Option<String>,
}
