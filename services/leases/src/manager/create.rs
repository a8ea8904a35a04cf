//! A new lease, from the intent to the credential in somebody's hands.

use super::work::SERVICE;
use super::{Denied, Manager, TRIES, clock_is_off, shown};
use crate::access::{Caller, Role};
use crate::api::types::Credential;
use crate::azure::SignIn;
use crate::clock::MOST_OFFSET_MS;
use crate::fault;
use crate::kinds::{Made, Operations, Removal};
use crate::lease::{Kind, Lease, State};
use crate::names::{display_name, hash, random_id};
use crate::plan::lifetime;
use crate::store::{NotBegun, Taken};
use crate::trouble::Trouble;
use entrakey_service::Severity;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout_at};

/// What somebody wants.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Of which secret.
    pub secret: String,
    /// For how long.
    pub ttl: Option<String>,
    /// For whom.
    pub user: Option<String>,
    /// By what its maker knows it again.
    pub idempotency_key: Option<String>,
}

/// For everything but waiting for Entra: the queue for an application, and requests to Azure.
const REQUESTS: Duration = Duration::from_secs(100);
/// Whoever could not ask Azure by then does not: the answer would come when another replica may look.
const LAST_REQUEST: Duration = Duration::from_secs(60);
/// Between two attempts to sign in with a new secret: twice as long each time.
const FIRST_LOOK: Duration = Duration::from_millis(250);
const LONGEST_LOOK: Duration = Duration::from_secs(2);
/// Longer keys are a mistake.
const MOST_KEY: usize = 255;

/// A lease and its credential, or why there is none.
pub type Outcome = Result<(Lease, Credential), Denied>;

impl Manager {
    /// Makes a lease. It goes on if the caller stops waiting, and is taken back then.
    ///
    /// # Errors
    /// Why there is none. Whatever was made is taken back.
    pub async fn create(self: &Arc<Self>, caller: &Caller, request: Request) -> Outcome {
        let (operations, mut lease) = self.intend(caller, &request)?;
        operations.settle(&mut lease).await.map_err(|trouble| denied(&trouble))?;
        self.check_clock(&operations).await?;
        let now = self.clock.now_ms();
        let most = (self.plan.propagation + REQUESTS).as_millis();
        let life = lease.max_expires_ms;
        (lease.created_ms, lease.due_ms) = (now, Some(now));
        // In whole seconds, as Azure writes it: the lease must not outlive its key.
        lease.max_expires_ms = now.saturating_add(life) / 1000 * 1000;
        lease.expires_ms = now.saturating_add(lease.ttl_ms).min(lease.max_expires_ms);
        lease.owner = Some(self.owner.clone());
        lease.claimed_until_ms = now.saturating_add(fault::claim_ms(i64::try_from(most).unwrap_or(i64::MAX)));
        fault::point("before_intent");
        let until = shown(lease.max_expires_ms);
        let entry =
            self.entry(&lease, "intent", &caller.name, None, Some(format!("ends at {until} at the latest")));
        let begun = self.store.begin(&lease, operations.plan.most_leases, &entry).await;
        if let Err(why) = begun {
            let is_taken = matches!(why, NotBegun::Taken);
            let denied = not_begun(why, &operations);
            return Err(if is_taken { self.naming_the_other(denied, caller, &lease).await } else { denied });
        }
        fault::point("after_intent");
        let (deliver, delivered) = oneshot::channel();
        let manager = self.clone();
        tokio::spawn(async move { manager.make(&operations, lease, deliver).await });
        let gone =
            || Denied::new(503, "interrupted", "The service ended while it made the lease: ask again.");
        delivered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Somebody has what there is one of. Which lease that is, is said to who may see it.
    async fn naming_the_other(&self, denied: Denied, caller: &Caller, lease: &Lease) -> Denied {
        let taken = self.store.taken(lease.kind).await.unwrap_or_default(); // it is refused in any case
        let is_it = |one: &Taken| one.target == lease.target && caller.may_see(&one.secret, &one.holder);
        Denied { lease: taken.into_iter().find(is_it).map(|one| one.id), ..denied }
    }

    /// The lease as it is wanted. Its `max_expires_ms` is a lifetime still.
    fn intend(&self, caller: &Caller, request: &Request) -> Result<(Arc<Operations>, Lease), Denied> {
        let operations = self.permitted(caller, Role::Issue, &request.secret)?;
        let plan = &operations.plan;
        let ttl =
            lifetime(plan, request.ttl.as_deref()).map_err(|(code, what)| Denied::new(400, code, what))?;
        let target = operations.target(request.user.as_deref());
        let target = target.map_err(|what| Denied::new(400, "user_invalid", what))?;
        let key = request.idempotency_key.as_deref();
        if key.is_some_and(|key| key.is_empty() || key.len() > MOST_KEY) {
            let what = format!("Idempotency-Key must have 1 to {MOST_KEY} characters.");
            return Err(Denied::new(400, "bad_request", what));
        }
        let id =
            random_id(&plan.prefix).map_err(|error| Denied::new(503, "internal", format!("{error}.")))?;
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let lease = Lease {
            display_name: display_name(&self.plan.installation, &id),
            id,
            secret: plan.name.clone(),
            kind: plan.kind(),
            tenant: plan.tenant_id.clone(),
            target,
            user_name: None,
            holder: caller.name.clone(),
            state: State::Intent,
            created_ms: 0,
            ttl_ms: ms(ttl),
            expires_ms: 0,
            max_expires_ms: ms(plan.max_ttl),
            due_ms: None,
            key_id: None,
            reason: None,
            last_error: None,
            attempts: 0,
            misses: 0,
            owner: None,
            claimed_until_ms: 0,
            version: 0,
            idempotency: key.map(hash),
        };
        Ok((operations, lease))
    }

    /// Nothing is issued by a clock that is off.
    async fn check_clock(&self, operations: &Operations) -> Result<(), Denied> {
        // A clock that was off may have been set since.
        if self.clock.offset_ms().is_none_or(|offset| offset.abs() > MOST_OFFSET_MS) {
            operations.ask_the_time().await.map_err(|trouble| denied(&trouble))?;
        }
        match self.clock.offset_ms() {
            Some(offset) if offset.abs() > MOST_OFFSET_MS => {
                Err(Denied::new(503, "clock_is_off", clock_is_off(offset)))
            }
            _ => Ok(()),
        }
    }

    /// From the intent on. Whatever goes wrong here is taken back here, or later by whoever finds it.
    async fn make(
        self: Arc<Self>,
        operations: &Operations,
        mut lease: Lease,
        deliver: oneshot::Sender<Outcome>,
    ) {
        let outcome = self.made(operations, &mut lease).await;
        let undelivered = match deliver.send(outcome.map(|credential| (lease.clone(), credential))) {
            Ok(()) => return,
            Err(outcome) => outcome,
        };
        // Nobody waits any more, and nobody has the credential.
        if undelivered.is_ok() {
            drop(undelivered);
            self.take_back(&mut lease, "undelivered").await;
        }
    }

    async fn made(
        self: &Arc<Self>,
        operations: &Operations,
        lease: &mut Lease,
    ) -> Result<Credential, Denied> {
        let started = Instant::now();
        let made = match self.ask(operations, lease, started + LAST_REQUEST).await {
            Ok(made) => made,
            Err(trouble) => return Err(self.not_made(lease, trouble).await),
        };
        fault::point("after_azure");
        let Made { key_id, credential, request_id } = made;
        lease.state = State::Created;
        lease.key_id = key_id;
        let entry = self.entry(lease, "created", SERVICE, request_id, None);
        if let Err(failed) = self.store.save(lease, Some(&entry)).await {
            // The store knows the intent: whoever looks next finds the key by its name, and takes it back. Unless this
            // process was held up for so long that somebody has looked already, and given it up.
            if failed.is_none() {
                self.take_up_again(operations, lease).await;
            }
            return Err(lost(lease, failed));
        }
        fault::point("after_created");
        if let Err(trouble) = self.wait_until_usable(operations, lease, &credential, started).await {
            let denied = denied(&trouble).of(lease);
            lease.last_error = Some(trouble.message);
            self.take_back(lease, "not usable in time").await;
            return Err(denied);
        }
        fault::point("before_active");
        let now = self.clock.now_ms();
        lease.state = State::Active;
        lease.expires_ms = now.saturating_add(lease.ttl_ms).min(lease.max_expires_ms);
        lease.due_ms = Some(lease.expires_ms);
        lease.release();
        let detail = Some(format!("until {}", shown(lease.expires_ms)));
        let entry = self.entry(lease, "active", SERVICE, None, detail);
        if let Err(failed) = self.store.save(lease, Some(&entry)).await {
            return Err(lost(lease, failed));
        }
        fault::point("after_active");
        self.counts.issued.fetch_add(1, Relaxed);
        self.wake.notify_one(); // it may end before what is waited for
        Ok(credential)
    }

    /// Asks Azure, in turn with others who ask for the same application.
    async fn ask(&self, operations: &Operations, lease: &Lease, last: Instant) -> Result<Made, Trouble> {
        let busy = || {
            let what = "There are too many requests for this application at a time: ask again later.";
            Trouble { retry_after: Some(Duration::from_secs(10)), ..Trouble::new("busy", what) }
        };
        let Some(name) = operations.queue(lease) else { return operations.create(lease).await };
        let queue = self.queue(&name);
        let _turn = timeout_at(last, queue.lock()).await.map_err(|_| busy())?;
        let held = timeout_at(last, self.store.hold(&name)).await.map_err(|_| busy())?;
        let _held = held.map_err(|what| Trouble::new("database_unavailable", format!("{what}.")))?;
        operations.create(lease).await
    }

    /// Whoever has taken over found nothing, and it was made after all: now it is known what to take back.
    async fn take_up_again(&self, operations: &Operations, lease: &Lease) {
        if lease.kind == Kind::UserPassword {
            return; // nobody has the password, and another lease may be the user's by now
        }
        for _ in 0..TRIES {
            let Ok(Some(mut known)) = self.store.lease(&lease.id).await else { break };
            known.key_id.clone_from(&lease.key_id);
            known.misses = 0;
            let entry = known.state.is_over().then(|| {
                known.start_revoking("made too late", self.clock.now_ms());
                self.entry(&known, "revoking", SERVICE, None, known.reason.clone())
            });
            match self.store.save(&mut known, entry.as_ref()).await {
                Ok(()) => return self.wake.notify_one(),
                Err(None) => {} // somebody works on it: once more
                Err(Some(_)) => break,
            }
        }
        // Nobody else will know of it.
        let removed = operations.remove(lease).await;
        let outcome =
            if matches!(removed, Ok(Removal::Gone(_))) { "removed" } else { "not removed: reap it" };
        self.tell(
            Severity::Warning,
            &format!("made too late, when it was given up already; {outcome}"),
            lease,
        );
    }

    async fn not_made(&self, lease: &mut Lease, trouble: Trouble) -> Denied {
        let refusal = denied(&trouble).of(lease);
        self.tell(Severity::Warning, &trouble.told(), lease);
        self.counts.failed.fetch_add(1, Relaxed);
        let now = self.clock.now_ms();
        let (event, request_id) =
            (if trouble.may_be_done { "unanswered" } else { "failed" }, trouble.request_id.clone());
        let detail = Some(trouble.message.clone());
        match trouble.may_be_done {
            false => {
                lease.last_error = Some(trouble.message);
                lease.reason = Some("refused".to_owned());
                lease.end(State::Failed);
            }
            true => {
                lease.fail_step(now, trouble.message, None);
                lease.release();
            }
        }
        let entry = self.entry(lease, event, SERVICE, request_id, detail);
        if let Err(Some(what)) = self.store.save(lease, Some(&entry)).await {
            self.note_store(Err(&what)); // it stays an intent, and is looked for
        }
        self.wake.notify_one();
        refusal
    }

    async fn wait_until_usable(
        &self,
        operations: &Operations,
        lease: &Lease,
        credential: &Credential,
        started: Instant,
    ) -> Result<(), Trouble> {
        let last = started + self.plan.propagation;
        let (mut wait, mut said) = (FIRST_LOOK, None);
        loop {
            match timeout_at(last + LONGEST_LOOK, operations.is_usable(lease, credential)).await {
                Ok(Ok(SignIn::Taken)) => return Ok(()),
                Ok(Ok(SignIn::NotYet)) | Err(_) => {}
                Ok(Ok(SignIn::Unclear(what))) => said = Some(what),
                Ok(Err(trouble)) if trouble.may_be_done || trouble.retry_after.is_some() => {
                    said = Some(trouble.message)
                }
                Ok(Err(trouble)) => return Err(trouble),
            }
            if Instant::now() + wait > last {
                let waited = humantime::format_duration(self.plan.propagation);
                let said = said.map(|what| format!(" It was said last: {what}")).unwrap_or_default();
                let what = format!(
                    "Azure made the credential, and did not take it within {waited}, so it is removed again. Ask again later, \
                     or raise propagation-wait.{said}"
                );
                return Err(Trouble::new("not_usable_in_time", what));
            }
            sleep(wait).await;
            wait = (wait * 2).min(LONGEST_LOOK);
        }
    }

    /// It is to be taken back now, by whoever does what is due.
    async fn take_back(&self, lease: &mut Lease, because: &str) {
        lease.start_revoking(because, self.clock.now_ms());
        lease.release();
        let entry = self.entry(lease, "revoking", SERVICE, None, Some(because.to_owned()));
        if let Err(Some(what)) = self.store.save(lease, Some(&entry)).await {
            self.note_store(Err(&what)); // its time ends it
        }
        self.wake.notify_one();
    }
}

fn not_begun(why: NotBegun, operations: &Operations) -> Denied {
    match why {
        NotBegun::TooMany => {
            let most = operations.plan.most_leases;
            let what = format!(
                "There are as many leases of \"{}\" as there may be (max-leases = {most}): revoke one, or wait until one ends.",
                operations.plan.name
            );
            Denied { retry_after: Some(Duration::from_secs(30)), ..Denied::new(429, "lease_limit", what) }
        }
        NotBegun::Taken => {
            let what = "Somebody has a lease for this user, and there can be one at a time: revoke that one, or wait until it ends.";
            Denied::new(409, "in_use", what)
        }
        NotBegun::Repeated(lease) => {
            let what = match lease.state {
                State::Intent | State::Created => {
                    "The lease of this Idempotency-Key is being made, or was interrupted."
                }
                State::Active => {
                    "The lease of this Idempotency-Key was made. If its credential did not arrive, revoke it."
                }
                _ => "The lease of this Idempotency-Key is over.",
            };
            let what =
                format!("{what} Its credential is kept nowhere: ask with another key for another lease.");
            Denied::new(409, "idempotency_key_used", what).of(&lease)
        }
        NotBegun::Broken(what) => Denied::broken(&what),
    }
}

/// Trouble at Azure, for whoever asked.
pub(crate) fn denied(trouble: &Trouble) -> Denied {
    let status = match trouble.code {
        "foreign_assignment" => 409,
        _ => 503,
    };
    Denied { retry_after: trouble.retry_after, ..Denied::new(status, trouble.code, trouble.told()) }
}

/// Nobody knows whether the store knows.
fn lost(lease: &Lease, failed: Option<String>) -> Denied {
    let what = failed.unwrap_or_else(|| "it took too long, and another process has taken over".to_owned());
    let message = format!(
        "The lease could not be kept ({what}), so its credential is not handed out and is taken back."
    );
    Denied::new(503, "database_unavailable", message).of(lease)
}
