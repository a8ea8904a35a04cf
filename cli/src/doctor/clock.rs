//! This machine's clock against Entra's.

use super::finding::{Cause, Finding};
use entrakey_core::{Error, Https};
use std::time::{Duration, Instant};

pub(super) const STEP: &str = "clock";

/// Servers tolerate about five minutes.
const TOO_MUCH_MS: u64 = 300_000;
const ODD_MS: u64 = 60_000;
const TIMEOUT: Duration = Duration::from_secs(10);

/// This machine's clock less Entra's, in milliseconds, or why it is not known.
pub(super) type Evidence = Result<Option<i64>, Error>;

/// Every answer of Entra's has its `Date`, whatever it says otherwise. The clock is compared at half of the way.
pub(super) fn gather(https: &Https, authority: &str) -> Evidence {
    let start = Instant::now();
    let address = format!("{authority}/common/v2.0/.well-known/openid-configuration");
    let answer = https.get(&address, None, TIMEOUT)?;
    let half = i64::try_from(start.elapsed().as_millis() / 2).unwrap_or_default();
    Ok(answer.clock_skew_ms.map(|skew| skew - half))
}

pub(super) fn diagnose(evidence: &Evidence) -> Finding {
    let skew = match evidence {
        Ok(Some(skew)) => *skew,
        Ok(None) => return Finding::undetermined(STEP, "Entra's answer has no Date"),
        Err(error) => {
            return Finding::undetermined(STEP, format!("Entra's time is not known: {}", error.message()));
        }
    };
    let seconds = skew.unsigned_abs() / 1000;
    let seen = match (seconds, skew < 0) {
        (0..=1, _) => "as Entra's, to about a second".to_owned(),
        (_, true) => format!("{seconds} s behind Entra's"),
        (_, false) => format!("{seconds} s ahead of Entra's"),
    };
    let cause = || clock_off(&seen);
    match skew.unsigned_abs() {
        TOO_MUCH_MS.. => Finding::problem(STEP, [cause()]),
        ODD_MS.. => Finding::ok(STEP).noted([cause()]),
        _ => Finding::ok(STEP),
    }
    .seen([seen.clone()])
}

/// The library goes by Entra's time. Others of this machine do not, and Redis and Entra may refuse what they date.
pub(super) fn clock_off(seen: &str) -> Cause {
    let text = format!(
        "This machine's clock is {seen}. entrakey goes by Entra's time; other programs do not. Synchronise it."
    );
    Cause::new("clock_off", text)
        .mended_by(["timedatectl set-ntp true".to_owned(), "chronyc makestep".to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Verdict;

    #[test]
    fn five_minutes_are_a_problem_and_one_is_worth_a_word() {
        for (skew, verdict, notes) in [
            (900, Verdict::Ok, 0),
            (-59_000, Verdict::Ok, 0),
            (60_000, Verdict::Ok, 1),
            (-299_999, Verdict::Ok, 1),
            (300_000, Verdict::Problem, 0),
            (-3_600_000, Verdict::Problem, 0),
        ] {
            let finding = diagnose(&Ok(Some(skew)));
            assert_eq!((finding.verdict, finding.notes.len()), (verdict, notes), "{skew}");
        }
        assert_eq!(diagnose(&Ok(None)).verdict, Verdict::NotDetermined);
    }
}
