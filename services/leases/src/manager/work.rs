//! Does what is due: looks for what was interrupted, and takes back what is over.

use super::Manager;
use crate::fault;
use crate::kinds::{Operations, Removal};
use crate::lease::{Due, Lease, State};
use crate::plan::SecretPlan;
use crate::trouble::Trouble;
use entrakey_service::Severity;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Who does what nobody asked for.
pub(super) const SERVICE: &str = "service";
/// What is claimed is done by then, or another replica may do it: a request to Azure takes 30 s at most, and there are four.
pub(super) const CLAIM_MS: i64 = 180_000;
/// At a time.
pub(super) const MOST_AT_ONCE: usize = 32;
/// Another replica may have ended, and this machine's clock may be set.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);
/// For the first word of the time from Azure.
const FIRST_TIME: Duration = Duration::from_secs(30);
/// Whether Azure has said lately what time it is.
const LOOK_AT_TIME: Duration = Duration::from_secs(60);
/// After the database has failed.
const AFTER_BROKEN: Duration = Duration::from_secs(1);

impl Manager {
    /// Does what is due, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        // Without an answer there is nothing to be done at Azure either, and the wait ends all the same.
        let _ = timeout(FIRST_TIME, self.hear_the_time()).await;
        tokio::join!(self.do_what_is_due(), self.follow_the_time(), self.forget_the_old());
    }

    /// This machine's clock may have been wrong all along, and where nothing is due nobody asks Azure.
    async fn follow_the_time(&self) {
        loop {
            tokio::time::sleep(LOOK_AT_TIME).await;
            self.hear_the_time().await;
        }
    }

    /// What has ended is known by Azure's clock. It is asked if it has not said lately what time it is, and leases live.
    async fn hear_the_time(&self) {
        for operations in self.all_operations() {
            let is_needed = matches!(self.store.next_due().await, Ok(Some(_)));
            if !is_needed || self.clock.offset_ms().is_some() {
                return;
            }
            let _ = operations.ask_the_time().await; // a refusal has a date too; of no answer the next step tells
        }
        self.wake.notify_one();
    }

    async fn do_what_is_due(self: &Arc<Self>) {
        let places = Arc::new(Semaphore::new(MOST_AT_ONCE));
        loop {
            let wait = match self.start_due(&places).await {
                Ok(wait) => {
                    self.note_store(Ok(()));
                    wait
                }
                Err(what) => {
                    self.note_store(Err(&what));
                    self.take_back_unnoted().await;
                    AFTER_BROKEN
                }
            };
            let _ = timeout(wait, self.wake.notified()).await; // either is a reason to look
        }
    }

    /// Starts what is due, and says when to look again.
    async fn start_due(self: &Arc<Self>, places: &Arc<Semaphore>) -> Result<Duration, String> {
        let free = places.available_permits();
        if free == 0 {
            return Ok(LONGEST_SLEEP); // whoever finishes wakes this
        }
        let now = self.clock.now_ms();
        let most = i64::try_from(free).unwrap_or(1);
        let claimed = self.store.claim(&self.owner, now, now.saturating_add(CLAIM_MS), most).await?;
        let is_more = claimed.leases.len() + claimed.unreadable.len() == free;
        for id in &claimed.unreadable {
            let what = "its row of the table leases cannot be read, so it is not taken back: put right what is in it";
            self.log.line(Severity::Error, what, &[("lease", id)]);
        }
        for lease in claimed.leases {
            let Ok(place) = places.clone().acquire_owned().await else { break };
            let manager = self.clone();
            tokio::spawn(async move {
                manager.work(lease).await;
                drop(place);
                manager.wake.notify_one();
            });
        }
        if is_more {
            return Ok(LONGEST_SLEEP);
        }
        let Some(next) = self.store.next_due().await? else { return Ok(LONGEST_SLEEP) };
        let wait = next.saturating_sub(self.clock.now_ms()).max(0);
        Ok(Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(LONGEST_SLEEP))
    }

    /// One lease, which is claimed.
    pub(super) async fn work(&self, mut lease: Lease) {
        let Some(operations) = self.operations(&lease.secret).cloned() else {
            let what = format!(
                "The configuration has no secret \"{}\" any more: put it back until its leases are over.",
                lease.secret
            );
            return self.failed(&mut lease, Trouble::new("not_configured", what)).await;
        };
        if let Err(what) = is_of(&lease, &operations.plan) {
            return self.failed(&mut lease, Trouble::new("not_configured", what)).await;
        }
        // A step may lead to the next one at once.
        for _ in 0..3 {
            let now = self.clock.now_ms();
            match lease.due(now, self.plan.waits) {
                Due::Nothing | Due::Wait(_) => break,
                Due::Find => match operations.find(&lease).await {
                    Ok(Some(key)) => {
                        lease.key_id = Some(key);
                        if !self.start(&mut lease, "undelivered").await {
                            return;
                        }
                    }
                    Ok(None) => {
                        lease.not_found_yet(self.clock.now_ms(), self.plan.waits);
                        if lease.due(self.clock.now_ms(), self.plan.waits) != Due::Fail {
                            return self.put_down(&mut lease).await;
                        }
                    }
                    Err(trouble) => return self.failed(&mut lease, trouble).await,
                },
                Due::Fail => {
                    lease.reason = Some("nothing came of it".to_owned());
                    lease.end(State::Failed);
                    let entry = self.entry(&lease, "failed", SERVICE, None, lease.reason.clone());
                    self.counts.failed.fetch_add(1, Relaxed);
                    let _ = self.store.save(&mut lease, Some(&entry)).await; // else it is due again
                    return;
                }
                Due::Revoke(because) => {
                    if !self.start(&mut lease, because.name()).await {
                        return;
                    }
                }
                Due::Remove => return self.remove(&operations, &mut lease).await,
            }
        }
        self.put_down(&mut lease).await;
    }

    /// The lease is to be taken back. Whether that is known now.
    async fn start(&self, lease: &mut Lease, because: &str) -> bool {
        lease.start_revoking(because, self.clock.now_ms());
        let entry = self.entry(lease, "revoking", SERVICE, None, lease.reason.clone());
        let saved = self.store.save(lease, Some(&entry)).await;
        fault::point("revoking");
        saved.is_ok() // else somebody has it, or it is due again
    }

    async fn remove(&self, operations: &Operations, lease: &mut Lease) {
        fault::point("before_removal");
        let outcome = operations.remove(lease).await;
        fault::point("after_removal");
        let now = self.clock.now_ms();
        let (request_id, detail) = match outcome {
            Ok(Removal::Gone(id)) => (id, None),
            Ok(Removal::NotFound) => {
                if !lease.miss(now, self.plan.waits) {
                    return self.put_down(lease).await;
                }
                (None, Some("Azure has said twice that there is no such thing".to_owned()))
            }
            Ok(Removal::Pending(what)) => {
                lease.fail_step(now, what, None);
                lease.misses = 0;
                return self.put_down(lease).await;
            }
            Err(trouble) => return self.failed(lease, trouble).await,
        };
        lease.end(State::Revoked);
        lease.last_error = None;
        let entry = self.entry(lease, "revoked", SERVICE, request_id, detail);
        if self.store.save(lease, Some(&entry)).await.is_ok() {
            self.counts.revoked.fetch_add(1, Relaxed);
        }
        fault::point("after_revoked");
    }

    /// A step failed; it is tried again.
    async fn failed(&self, lease: &mut Lease, trouble: Trouble) {
        self.counts.troubles.fetch_add(1, Relaxed);
        let is_new = lease.last_error.as_deref() != Some(&trouble.message);
        let entry = is_new.then(|| {
            let event = if lease.state == State::Revoking { "revoke_failed" } else { "step_failed" };
            self.entry(lease, event, SERVICE, trouble.request_id.clone(), Some(trouble.message.clone()))
        });
        if is_new {
            self.tell(Severity::Warning, &trouble.told(), lease);
        }
        lease.fail_step(self.clock.now_ms(), trouble.message.clone(), trouble.retry_after_ms());
        lease.release();
        let _ = self.store.save(lease, entry.as_ref()).await; // else it is due again when the claim ends
    }

    /// Nobody works on it until it is due.
    async fn put_down(&self, lease: &mut Lease) {
        lease.release();
        let _ = self.store.save(lease, None).await; // else it is due again when the claim ends
    }
}

/// Elsewhere Azure would say that there is no such thing, and be believed.
pub(super) fn is_of(lease: &Lease, plan: &SecretPlan) -> Result<(), String> {
    let elsewhere = |of_plan: &str, of_lease: &str| {
        Err(format!(
            "The configuration's secret \"{}\" is {of_plan} now, and this lease is {of_lease}: call the new one otherwise, and put \
             the old one back until its leases are over.",
            lease.secret
        ))
    };
    if plan.kind() != lease.kind {
        return elsewhere(plan.kind().name(), lease.kind.name());
    }
    match (&plan.tenant_id, &lease.tenant) {
        (Some(now), Some(then)) if !now.eq_ignore_ascii_case(then) => {
            elsewhere(&format!("of tenant {now}"), &format!("of tenant {then}"))
        }
        _ => Ok(()),
    }
}
