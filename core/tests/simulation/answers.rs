//! What the transport makes of an answer, held against what is known of the token in it.

use crate::source::{Date, Form, Issued, Source};
use crate::world::World;
use entrakey_core::internals::Grant;
use std::time::Duration;

impl World {
    /// Its end and its beginning, what it says of itself, and how far off this machine's clock is.
    pub fn misread(&self, grant: &Grant, token: Issued, date: Date, sent_at: Duration) -> Option<String> {
        let (now, second) = (self.now.boot, Duration::from_secs(1));
        let end = grant.sent_at + grant.remaining;
        if !grant.remaining.is_zero() && end > token.expires {
            return Some(format!("O5: {token:?} is taken to end at {end:?}"));
        }
        // The times of a token are whole seconds, and so is a Date; less than one counts for nothing.
        let late = if let Date::Late(by) = date { by } else { Duration::ZERO };
        let least = token.expires.saturating_sub(now.saturating_sub(sent_at) + late + 3 * second);
        if grant.remaining.is_zero() && least > now || !grant.remaining.is_zero() && end < least {
            return Some(format!("O5: {token:?} is taken to end at {end:?}, {date:?}"));
        }
        if grant.remaining.is_zero() {
            return None;
        }
        let early = if let Date::Early(by) = date { by } else { Duration::ZERO };
        let wait = token.valid_from.saturating_sub(now);
        if grant.not_before + late + second < wait && token.form != Form::Opaque
            || grant.not_before > token.valid_from.saturating_sub(sent_at) + early + second
        {
            return Some(format!("O5: {token:?} is taken to begin in {:?}, {date:?}", grant.not_before));
        }
        if grant.is_life_stated != (token.form == Form::Whole)
            || grant.is_life_stated && grant.lifetime != token.lifetime
            || Source::id(&grant.secret) != token.id
        {
            return Some(format!("{token:?} is taken for another"));
        }
        self.misread_clock(grant.skew_ms, date, sent_at)
    }

    /// How far off this machine's clock is, to about a second.
    fn misread_clock(&self, skew_ms: Option<i64>, date: Date, sent_at: Duration) -> Option<String> {
        let millis = |time: Duration| time.as_millis() as i64;
        let shift = match date {
            Date::Missing => return skew_ms.map(|skew| format!("a skew of {skew} ms from nowhere")),
            Date::Exact => 0,
            Date::Early(by) => millis(by),
            Date::Late(by) => -millis(by),
        };
        let truth = millis(self.now.wall) - millis(self.source.clock(self.now.boot)) + shift;
        let told = skew_ms.unwrap_or(i64::MAX);
        let tolerance = 501 + millis(self.now.boot - sent_at);
        (told.abs_diff(truth) > tolerance.unsigned_abs())
            .then(|| format!("a skew of {told} ms, and it is {truth} ms"))
    }
}
