//! What each kind of secret does at Azure: make, try, find, take back.

mod application_password;
mod redis_access;
mod user_password;

use crate::api::types::Credential;
use crate::azure::{Answer, Azure, Call, Service, SignIn};
use crate::clock::Clock;
use crate::lease::Lease;
use crate::plan::{SecretPlan, What};
use crate::store::Taken;
use crate::trouble::{Asked, Trouble};
use crate::users;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// One dynamic secret, and by whom Azure is asked for it.
pub(crate) struct Operations {
    pub(crate) plan: SecretPlan,
    pub(crate) azure: Arc<dyn Azure>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) installation: String,
}

/// What Azure has made.
pub(crate) struct Made {
    /// What Azure calls it.
    pub(crate) key_id: Option<String>,
    pub(crate) credential: Credential,
    pub(crate) request_id: Option<String>,
}

/// What became of taking something back.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is gone. With Azure's id of the request.
    Gone(Option<String>),
    /// Azure knows no such thing; a read says so too.
    NotFound,
    /// Azure is at it, or contradicts itself: look again.
    Pending(String),
}

/// A key of ours at Azure.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// What Azure calls it.
    pub(crate) key_id: String,
    /// Our name for it.
    pub(crate) display_name: String,
    /// Since when, as far as Azure says.
    pub(crate) since_ms: Option<i64>,
}

impl Operations {
    /// What a lease is of, for a user if one has to be chosen: the target and the place where only one may be.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) fn target(&self, user: Option<&str>) -> Result<String, String> {
        let chosen = match (self.plan.users(), user) {
            ([], Some(_)) => {
                return Err("This dynamic secret is for nobody in particular: leave out user.".to_owned());
            }
            ([], None) => None,
            ([one], None) => Some(one),
            (_, None) => {
                let name = &self.plan.name;
                return Err(format!(
                    "This dynamic secret is for several users: say for which, with user. The dashboard lists them, and \
                     /v1/dynamic-secrets/{name}/users."
                ));
            }
            (users, Some(user)) => {
                let found = users.iter().find(|one| one.eq_ignore_ascii_case(user));
                Some(found.ok_or("This user is none of those that the dynamic secret lists.")?)
            }
        };
        Ok(match &self.plan.what {
            What::ApplicationPassword { application_id, .. } => application_id.clone(),
            // Ids are compared without case.
            What::RedisAccess { cache, .. } => {
                format!(
                    "{}|{}",
                    cache.trim_end_matches('/').to_lowercase(),
                    chosen.map(|one| one.to_lowercase()).unwrap_or_default()
                )
            }
            What::UserPassword { .. } => chosen.map(|one| one.to_lowercase()).unwrap_or_default(),
        })
    }

    /// Until when somebody has a lease for a user of the configuration's, if somebody has one.
    pub(crate) fn taken_until(&self, user: &str, taken: &[Taken]) -> Option<i64> {
        let target = self.target(Some(user)).ok()?;
        let is_its = |one: &&Taken| {
            one.target == target
                || one.user_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(user))
        };
        taken.iter().find(is_its).map(|one| one.expires_ms)
    }

    /// A page of the tenant's.
    pub(crate) async fn tenant_users(&self, path: String) -> Result<users::Found, Trouble> {
        users::read(&self.done(Asked::Users, get(Service::Graph, path)).await?.body)
    }

    /// Says by the name that stays of whom a lease is: a user may be listed by another one, and be called otherwise some day.
    pub(crate) async fn settle(&self, lease: &mut Lease) -> Result<(), Trouble> {
        match &self.plan.what {
            What::UserPassword { .. } => user_password::settle(self, lease).await,
            _ => Ok(()),
        }
    }

    /// Of what there is one writer at a time.
    pub(crate) fn queue(&self, lease: &Lease) -> Option<String> {
        matches!(self.plan.what, What::ApplicationPassword { .. })
            .then(|| format!("application {}", lease.target))
    }

    pub(crate) async fn create(&self, lease: &Lease) -> Result<Made, Trouble> {
        match &self.plan.what {
            What::ApplicationPassword { .. } => application_password::create(self, lease).await,
            What::RedisAccess { .. } => redis_access::create(self, lease).await,
            What::UserPassword { .. } => user_password::create(self, lease).await,
        }
    }

    /// Whether what was made can be used.
    pub(crate) async fn is_usable(&self, lease: &Lease, credential: &Credential) -> Result<SignIn, Trouble> {
        match (&self.plan.what, credential) {
            (What::ApplicationPassword { scope, .. }, Credential::Application { client_secret, .. }) => {
                Ok(self.azure.sign_in(&lease.target, client_secret, scope).await)
            }
            (What::RedisAccess { .. }, _) => redis_access::is_usable(self, lease).await,
            _ => Ok(SignIn::Taken),
        }
    }

    /// What Azure calls the lease's key, if it knows one of that name.
    pub(crate) async fn find(&self, lease: &Lease) -> Result<Option<String>, Trouble> {
        match &self.plan.what {
            What::ApplicationPassword { .. } => application_password::find(self, lease).await,
            What::RedisAccess { .. } => redis_access::find(self, lease).await,
            What::UserPassword { .. } => Ok(None),
        }
    }

    pub(crate) async fn remove(&self, lease: &Lease) -> Result<Removal, Trouble> {
        match &self.plan.what {
            What::ApplicationPassword { .. } => application_password::remove(self, lease).await,
            What::RedisAccess { .. } => redis_access::remove(self, lease).await,
            What::UserPassword { .. } => user_password::remove(self, lease).await,
        }
    }

    /// What this installation has at Azure.
    pub(crate) async fn ours(&self) -> Result<Vec<Found>, Trouble> {
        match &self.plan.what {
            What::ApplicationPassword { application_id, .. } => {
                application_password::ours(self, application_id).await
            }
            What::RedisAccess { .. } => redis_access::ours(self).await,
            What::UserPassword { .. } => Ok(Vec::new()),
        }
    }

    /// Takes something back that no lease knows.
    pub(crate) async fn remove_found(&self, found: &Found) -> Result<(), Trouble> {
        let removal = match &self.plan.what {
            What::ApplicationPassword { application_id, .. } => {
                application_password::remove_key(self, application_id, &found.key_id).await?
            }
            What::RedisAccess { .. } => redis_access::remove_name(self, &found.key_id).await?,
            What::UserPassword { .. } => return Ok(()),
        };
        match removal {
            Removal::Gone(_) | Removal::NotFound => Ok(()),
            Removal::Pending(what) => Err(Trouble::new("pending", format!("{what}: reap again in a while."))),
        }
    }

    /// Whether Azure knows what the configuration names, and lets this identity see it.
    pub(crate) async fn check(&self) -> Result<(), Trouble> {
        match &self.plan.what {
            What::ApplicationPassword { application_id, .. } => {
                application_password::ours(self, application_id).await.map(drop)
            }
            What::RedisAccess { .. } => redis_access::ours(self).await.map(drop),
            What::UserPassword { users } => {
                for user in users {
                    user_password::look(self, user).await?;
                }
                Ok(())
            }
        }
    }

    /// Asks whatever costs least, to hear what time it is there.
    pub(crate) async fn ask_the_time(&self) -> Result<(), Trouble> {
        match &self.plan.what {
            What::UserPassword { users } => match users.first() {
                Some(user) => user_password::look(self, user).await.map(drop),
                None => Ok(()),
            },
            _ => self.check().await,
        }
    }

    /// Sends a request and hears the time. Every status is an answer.
    async fn send(&self, call: Call) -> Result<Answer, Trouble> {
        let answer = self.azure.call(call).await.map_err(Trouble::unanswered)?;
        answer.date_ms.into_iter().for_each(|date| self.clock.hear(date));
        Ok(answer)
    }

    /// As [`Self::send`], and what is no success is trouble.
    async fn done(&self, asked: Asked, call: Call) -> Result<Answer, Trouble> {
        let answer = self.send(call).await?;
        match answer.status {
            200..=299 => Ok(answer),
            _ => Err(Trouble::refused(asked, &answer)),
        }
    }
}

fn get(service: Service, path: String) -> Call {
    Call { service, method: "GET", path, body: None }
}

fn with_body(service: Service, method: &'static str, path: String, body: &Value) -> Call {
    Call { service, method, path, body: Some(Zeroizing::new(body.to_string().into_bytes())) }
}

fn parsed(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// RFC 3339 in whole seconds, rounded down.
fn rfc3339(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}

/// Milliseconds since 1970.
fn read_time(text: &str) -> Option<i64> {
    let time = humantime::parse_rfc3339(text).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
