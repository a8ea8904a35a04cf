//! What is long over is forgotten.

use super::{Manager, shown, work};
use crate::clock::MOST_OFFSET_MS;
use crate::store::{Entry, Forgotten};
use entrakey_service::Severity;
use std::time::Duration;

/// How often that is looked for.
const BETWEEN: Duration = Duration::from_secs(3600);
/// Until somebody has asked Azure for something: it says then what time it is, and that counts for ten minutes.
const UNTIL_SURE: Duration = Duration::from_secs(60);

impl Manager {
    /// Forgets what the configuration does not have kept, until it is dropped.
    pub(super) async fn forget_the_old(&self) {
        loop {
            // Nothing is forgotten by a clock that nobody has confirmed.
            let is_sure = self.clock.offset_ms().is_some_and(|offset| offset.abs() <= MOST_OFFSET_MS);
            if is_sure {
                // A failure is no news: whoever does what is due meets it every second.
                let _ = self.forget().await;
            }
            tokio::time::sleep(if is_sure { BETWEEN } else { UNTIL_SURE }).await;
        }
    }

    async fn forget(&self) -> Result<Forgotten, String> {
        let Some(keep) = self.plan.keep else { return Ok(Forgotten::default()) };
        let now = self.clock.now_ms();
        let before = now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX));
        let forgotten = self.store.forget(before).await?;
        if forgotten != Forgotten::default() {
            let Forgotten { leases, rows } = forgotten;
            let what =
                format!("{leases} leases and {rows} rows of the audit trail from before {}", shown(before));
            self.log.line(Severity::Info, format_args!("forgotten, as keep has it: {what}"), &[]);
            let entry = Entry {
                at_ms: now,
                event: "forgotten".to_owned(),
                actor: work::SERVICE.to_owned(),
                detail: Some(what),
                ..Entry::default()
            };
            self.store.note(&entry).await?;
        }
        Ok(forgotten)
    }
}
