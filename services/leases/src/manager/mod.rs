//! Makes leases, renews them, and takes them back: whoever asks for it, or when their time is over.
//!
//! Nothing is done at Azure before the store knows that it is about to be done, and each step is a commit of its own. So
//! whatever a process leaves behind is found by the next one.

mod create;
mod old;
mod reap;
#[cfg(test)]
mod simulation;
mod unnoted;
mod work;

pub(crate) use create::denied;
pub use create::{Outcome, Request};
pub use reap::Reaped;

use crate::access::{Caller, Role};
use crate::azure::Azure;
use crate::clock::{Clock, MOST_OFFSET_MS};
use crate::kinds::Operations;
use crate::lease::{Kind, Lease, State};
use crate::names::random_id;
use crate::plan::{Plan, lifetime};
use crate::store::{AuditFilter, Entry, LeaseFilter, Store};
use entrakey_service::{Log, Severity};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Why somebody does not get what it asks for: an answer of the API's.
#[derive(Debug)]
pub struct Denied {
    /// The status.
    pub status: u16,
    /// A word for programs.
    pub code: String,
    /// A sentence that says what to do.
    pub message: String,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// The lease that it is about.
    pub lease: Option<String>,
}

impl Denied {
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), retry_after: None, lease: None }
    }

    pub(crate) fn of(self, lease: &Lease) -> Self {
        Self { lease: Some(lease.id.clone()), ..self }
    }

    /// The database does not work.
    pub(crate) fn broken(what: &str) -> Self {
        let message = format!("The service's database does not work: {what}. Its log says more.");
        Self { retry_after: Some(Duration::from_secs(5)), ..Self::new(503, "database_unavailable", message) }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not_found", "There is no such lease, or it is not yours to see.")
    }
}

/// What is counted for metrics.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) issued: AtomicU64,
    pub(crate) renewed: AtomicU64,
    pub(crate) revoked: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) troubles: AtomicU64,
}

/// It has everything that leases need.
pub struct Manager {
    pub(crate) store: Store,
    pub(crate) clock: Arc<Clock>,
    pub(crate) plan: Plan,
    secrets: BTreeMap<String, Arc<Operations>>,
    log: Log,
    /// This process, and no other one, also not one that was here before.
    owner: String,
    wake: Notify,
    queues: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) counts: Counts,
    /// What the store said last, if it is broken.
    broken: Mutex<Option<String>>,
    /// What was taken back meanwhile.
    unnoted: Mutex<unnoted::Unnoted>,
}

impl Manager {
    /// `azure` makes what asks Azure for a secret.
    ///
    /// # Errors
    /// A sentence.
    pub fn new(
        plan: Plan,
        store: Store,
        clock: Arc<Clock>,
        log: Log,
        azure: impl Fn(&crate::plan::SecretPlan) -> Result<Arc<dyn Azure>, String>,
    ) -> Result<Arc<Self>, String> {
        let mut secrets = BTreeMap::new();
        for (name, secret) in &plan.secrets {
            if secret.kind() == Kind::UserPassword {
                log.line(Severity::Warning, WEAK, &[("secret", name)]);
            }
            let azure = azure(secret).map_err(|what| format!("secrets.{name}: {what}"))?;
            let operations = Operations {
                plan: secret.clone(),
                azure,
                clock: clock.clone(),
                installation: plan.installation.clone(),
            };
            secrets.insert(name.clone(), Arc::new(operations));
        }
        let owner = random_id("").map_err(|error| error.to_string())?;
        Ok(Arc::new(Self {
            store,
            clock,
            plan,
            secrets,
            log,
            owner,
            wake: Notify::new(),
            queues: Mutex::default(),
            counts: Counts::default(),
            broken: Mutex::default(),
            unnoted: Mutex::default(),
        }))
    }

    /// Of how many entries leases can be made.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.secrets.len()).unwrap_or(u32::MAX)
    }

    /// What Azure says of each entry of the configuration: its name, and a sentence if something is wrong.
    pub async fn check(&self) -> Vec<(String, Result<(), String>)> {
        let mut verdicts = Vec::new();
        for (name, operations) in &self.secrets {
            let verdict = operations.check().await.map_err(|trouble| trouble.told());
            let offset = self.clock.offset_ms().unwrap_or(0);
            let verdict = verdict.and_then(|()| match offset.abs() > MOST_OFFSET_MS {
                true => Err(clock_is_off(offset)),
                false => Ok(()),
            });
            verdicts.push((name.clone(), verdict));
        }
        verdicts
    }

    pub(crate) fn operations(&self, secret: &str) -> Option<&Arc<Operations>> {
        self.secrets.get(secret)
    }

    /// A dynamic secret, for whoever has that role for it.
    ///
    /// # Errors
    /// It has not, or there is none.
    pub(crate) fn permitted(
        &self,
        caller: &Caller,
        role: Role,
        secret: &str,
    ) -> Result<Arc<Operations>, Denied> {
        if !caller.may(role, secret) {
            let secret: String = secret.chars().take(60).collect();
            let what = format!("You have no role \"{role}\" for a dynamic secret \"{secret}\".");
            return Err(Denied::new(403, "forbidden", what));
        }
        self.operations(secret).cloned().ok_or_else(|| {
            let known: Vec<_> = self.plan.secrets.keys().map(String::as_str).collect();
            let what = format!("There is no dynamic secret of that name: there are {}.", known.join(", "));
            Denied::new(404, "not_found", what)
        })
    }

    pub(crate) fn all_operations(&self) -> impl Iterator<Item = &Arc<Operations>> {
        self.secrets.values()
    }

    /// The one place where that is written.
    fn queue(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.entry(name.to_owned()).or_default().clone()
    }

    /// One lease, if the caller may see it.
    ///
    /// # Errors
    /// It may not, or there is none.
    pub async fn lease(&self, caller: &Caller, id: &str) -> Result<Lease, Denied> {
        let lease = self.store.lease(id).await.map_err(|what| Denied::broken(&what))?;
        lease.filter(|lease| caller.may_see(&lease.secret, &lease.holder)).ok_or_else(Denied::not_found)
    }

    /// Leases that the caller may see, the newest first.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn leases(
        &self,
        caller: &Caller,
        filter: LeaseFilter,
        most: i64,
    ) -> Result<Vec<Lease>, Denied> {
        let visible = match (caller.secrets(Role::List), caller.secrets(Role::Revoke)) {
            (Some(list), Some(revoke)) => Some((list.union(&revoke).cloned().collect(), caller.name.clone())),
            _ => None,
        };
        let filter = LeaseFilter { visible, ..filter };
        self.store.leases(&filter, most).await.map_err(|what| Denied::broken(&what))
    }

    /// The audit trail of the secrets that the caller may list.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn audit(&self, caller: &Caller, filter: AuditFilter, most: i64) -> Result<Vec<Entry>, Denied> {
        let filter = AuditFilter { visible: caller.secrets(Role::List), ..filter };
        self.store.audit(&filter, most).await.map_err(|what| Denied::broken(&what))
    }

    /// Moves the end of a lease. Azure is not asked.
    ///
    /// # Errors
    /// It may not be renewed by this caller, is over, or would not move.
    pub async fn renew(&self, caller: &Caller, id: &str, ttl: Option<&str>) -> Result<Lease, Denied> {
        for _ in 0..TRIES {
            let mut lease = self.lease(caller, id).await?;
            if lease.holder != caller.name || !caller.may(Role::RenewOwn, &lease.secret) {
                let what = "Only who has made a lease may renew it, with the role renew-own.";
                return Err(Denied::new(403, "forbidden", what).of(&lease));
            }
            let now = self.clock.now_ms();
            let ttl_ms = match (ttl, self.plan.secrets.get(&lease.secret)) {
                (Some(_), Some(secret)) => {
                    let ttl = lifetime(secret, ttl)
                        .map_err(|(code, what)| Denied::new(400, code, what).of(&lease))?;
                    Some(i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
                }
                (Some(_), None) => return Err(self.not_configured(&lease)),
                (None, _) => None,
            };
            let Some(until) = lease.renewed(now, ttl_ms) else { return Err(not_renewable(&lease, now)) };
            lease.expires_ms = until;
            lease.due_ms = Some(until);
            let entry =
                self.entry(&lease, "renewed", &caller.name, None, Some(format!("until {}", shown(until))));
            match self.store.save(&mut lease, Some(&entry)).await {
                Ok(()) => {
                    self.counts.renewed.fetch_add(1, Relaxed);
                    return Ok(lease);
                }
                Err(None) => {} // somebody was faster: look again
                Err(Some(what)) => return Err(Denied::broken(&what)),
            }
        }
        Err(Denied::new(409, "busy", "The lease is changed by others all the time: try again."))
    }

    /// Ends a lease now. When this returns it is taken back, or that is being tried again and again.
    ///
    /// # Errors
    /// The caller may not, or there is no such lease.
    pub async fn revoke(self: &Arc<Self>, caller: &Caller, id: &str) -> Result<Lease, Denied> {
        for _ in 0..TRIES {
            let mut lease = self.lease(caller, id).await?;
            if !caller.may_end(&lease.secret, &lease.holder) {
                let what = "Only who has made a lease, or has the role revoke for its secret, may end it.";
                return Err(Denied::new(403, "forbidden", what).of(&lease));
            }
            if lease.state.is_over() {
                return Ok(lease);
            }
            let now = self.clock.now_ms();
            let is_worked_on = lease.claimed_until_ms > now;
            if is_worked_on && lease.state == State::Revoking {
                return Ok(lease);
            }
            if is_worked_on {
                let what = "The lease is just being made: try again in a moment.";
                let wait = Some(Duration::from_secs(2));
                return Err(Denied { retry_after: wait, ..Denied::new(409, "in_progress", what).of(&lease) });
            }
            let entry = match lease.state {
                State::Revoking => None,
                _ => {
                    lease.start_revoking(&format!("revoked by {}", caller.name), now);
                    Some(self.entry(&lease, "revoking", &caller.name, None, lease.reason.clone()))
                }
            };
            lease.owner = Some(self.owner.clone());
            lease.claimed_until_ms = now.saturating_add(work::CLAIM_MS);
            match self.store.save(&mut lease, entry.as_ref()).await {
                Ok(()) => return self.finish_revoking(lease).await,
                Err(None) => {}
                Err(Some(what)) => return Err(Denied::broken(&what)),
            }
        }
        Err(Denied::new(409, "busy", "The lease is changed by others all the time: try again."))
    }

    /// Waits for a while until it is taken back. The work goes on if the caller does not wait.
    async fn finish_revoking(self: &Arc<Self>, lease: Lease) -> Result<Lease, Denied> {
        crate::fault::point("revoking");
        let (manager, id) = (self.clone(), lease.id.clone());
        let working = tokio::spawn(async move { manager.work(lease).await });
        let _ = tokio::time::timeout(PATIENCE, working).await; // it is under way in any case
        let lease = self.store.lease(&id).await.map_err(|what| Denied::broken(&what))?;
        lease.ok_or_else(Denied::not_found)
    }

    /// A row of the audit trail about a lease.
    pub(crate) fn entry(
        &self,
        lease: &Lease,
        event: &str,
        actor: &str,
        request_id: Option<String>,
        detail: Option<String>,
    ) -> Entry {
        Entry {
            number: 0,
            at_ms: self.clock.now_ms(),
            event: event.to_owned(),
            actor: actor.to_owned(),
            lease: Some(lease.id.clone()),
            secret: Some(lease.secret.clone()),
            key_id: lease.key_id.clone(),
            request_id,
            detail,
        }
    }

    fn not_configured(&self, lease: &Lease) -> Denied {
        let what =
            format!("The service's configuration has no secret \"{}\" any more: put it back.", lease.secret);
        Denied::new(409, "not_configured", what).of(lease)
    }

    pub(crate) fn tell(&self, severity: Severity, what: &str, lease: &Lease) {
        self.log.line(severity, what, &[("lease", &lease.id), ("secret", &lease.secret)]);
    }

    /// The store says that it does not work, or does again.
    pub(crate) fn note_store(&self, outcome: Result<(), &str>) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(()) => {
                if broken.take().is_some() {
                    self.unnoted().clear();
                    self.log.line(Severity::Info, "the database works again", &[]);
                }
            }
            Err(what) => {
                if broken.as_deref() != Some(what) {
                    self.log.line(Severity::Error, what, &[]);
                    *broken = Some(what.to_owned());
                }
            }
        }
    }

    /// What the store said last, if it does not work.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Of `user_password`, for those who have nothing better.
const WEAK: &str = "its leases lock out whoever signed in as the user before, and sign nobody in where MFA is asked for: prefer \
                    redis_access, or secrets of an application";
/// A lease that others change is read again that often.
const TRIES: usize = 5;
/// For somebody who waits until a lease is taken back.
const PATIENCE: Duration = Duration::from_secs(15);

fn not_renewable(lease: &Lease, now_ms: i64) -> Denied {
    let (code, what) = match lease.state {
        State::Active if lease.expires_ms <= now_ms => {
            ("lease_over", "The lease has ended: make another one.".to_owned())
        }
        State::Active if lease.expires_ms >= lease.max_expires_ms => {
            let end = shown(lease.max_expires_ms);
            ("max_ttl_reached", format!("The lease ends at {end}, and cannot live longer: make another one."))
        }
        State::Active => {
            let end = shown(lease.expires_ms);
            ("ttl_invalid", format!("The lease lives until {end} already: ask for a longer time, or later."))
        }
        state => ("lease_over", format!("The lease is {state}: make another one.")),
    };
    Denied::new(400, code, what).of(lease)
}

pub(crate) fn clock_is_off(offset_ms: i64) -> String {
    let (seconds, way) = (offset_ms.abs() / 1000, if offset_ms > 0 { "ahead of" } else { "behind" });
    format!(
        "This machine's clock is {seconds} s {way} Azure's, and leases would not end when their holders think: set it (NTP). \
         Leases that are there are ended in time."
    )
}

/// A time as people read it.
pub(crate) fn shown(ms: i64) -> String {
    let since = Duration::from_secs(u64::try_from(ms / 1000).unwrap_or(0));
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}
