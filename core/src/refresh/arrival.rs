//! A token has come: is it better than what there is?

use super::machine::{Current, Early, Flight, Machine};
use super::pace::Forced;
use super::policy::{Life, Policy};
use super::step::Action;
use super::turn::Turn;
use crate::clock::{Now, millis};
use crate::error::{Error, ErrorKind};
use crate::event::ProviderEvent;
use crate::grant::Grant;
use crate::token::{Parts, Token};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

/// A token with less validity left than this is no answer: it would expire on its way to the server. For tokens that
/// live less than ten times as long: a tenth of their life.
const LEAST_LEFT: Duration = Duration::from_secs(1);

impl Machine {
    /// The request of this number brought a token.
    pub(super) fn answered(&mut self, turn: &mut Turn, number: u64, grant: Grant) {
        let Some(flight) = self.landed(turn.now, number) else { return };
        let left = grant.end().saturating_sub(turn.now.boot);
        let least = self.count_ends(&grant, left);
        if left.is_zero() || left < LEAST_LEFT.min(grant.lifetime / 10) {
            return self.plan_retry(turn, &flight, expired(&grant), least);
        }
        self.skew_ms = grant.skew_ms.or(self.skew_ms);
        // A caller whose token was refused while the request was under way waits for its answer too.
        let rejected = flight.forced == Some(Forced::Rejection) || self.pace.wants(Forced::Rejection);
        if self.is_current(&grant) {
            self.see_again(turn, grant.end());
            self.not_newer(turn.now, &flight, least);
        } else if !grant.not_before.is_zero() && self.valid(turn.now).is_none() {
            self.came_early(turn, &flight, grant, least);
        } else if !grant.not_before.is_zero() {
            self.keep_for_later(turn.now, grant);
            self.not_newer(turn.now, &flight, least);
        } else if self.is_better(turn.now, &grant, flight.forced) {
            self.install(turn, grant, rejected, least);
        } else {
            self.tally.unchanged += 1;
            self.not_newer(turn.now, &flight, least);
        }
    }

    /// The least wait that follows from how many answers in a row brought the end of a token.
    ///
    /// An opaque token says only what is left of it. It is the end of one if the source has been seen to give longer
    /// ones. A source of which only two-second tokens are known has two-second tokens, as tests do, and is asked at
    /// their pace: taking them for ends would leave a gap in service after each.
    fn count_ends(&mut self, grant: &Grant, left: Duration) -> Duration {
        let usual = self.usual_life.filter(|_| !grant.is_life_stated).unwrap_or_default();
        let nominal = Some(grant.lifetime.max(usual)).filter(|nominal| !nominal.is_zero());
        let is_end = Policy::is_end(left, nominal.unwrap_or_default());
        if !is_end {
            self.usual_life = nominal;
        }
        Policy::end_interval(self.pace.count_ends(is_end), nominal)
    }

    /// A token that had to wait for its `nbf` becomes the current one, if it is still the newer.
    pub(super) fn activate(&mut self, turn: &mut Turn) {
        let Some(early) = self.early.take_if(|early| early.valid_from <= turn.now.boot) else { return };
        if early.grant.end() > turn.now.boot && self.is_better(turn.now, &early.grant, None) {
            self.install(turn, early.grant, false, Duration::ZERO);
            // The request under way need not bring another token any more: this is one.
            self.flight.iter_mut().for_each(|flight| flight.forced = None);
        } else {
            self.tally.unchanged += 1;
        }
    }

    fn is_current(&self, grant: &Grant) -> bool {
        self.current.as_ref().is_some_and(|current| current.token.secret() == grant.secret.as_str())
    }

    /// Only a longer validity is better; but a forced request means that the current token is no good
    /// somewhere, and then another one is, as long as it lives at least half as long.
    fn is_better(&self, now: Now, grant: &Grant, forced: Option<Forced>) -> bool {
        let Some(current) = self.valid(now) else { return true };
        let left = grant.end().saturating_sub(now.boot);
        let enough = left >= self.policy.min_validity(life(grant, now)).max(current.token.left(now) / 2);
        grant.end() > current.token.end() || forced.is_some() && enough
    }

    /// With nothing valid in hand a token that is not valid yet is no reason to wait for it: the next may be.
    fn came_early(&mut self, turn: &mut Turn, flight: &Flight, grant: Grant, least: Duration) {
        let interval = self.policy.interval(Some(life(&grant, turn.now))).max(least);
        let error = not_yet_valid(turn.now, &grant);
        let changed = self.is_change(&error);
        self.keep_for_later(turn.now, grant);
        self.pace.came_early(turn.now.boot, interval, error.clone());
        if let Some(cause) = flight.forced {
            self.pace.forced_in_vain(cause, turn.now.boot, interval);
        }
        self.report_failure(turn, error, changed);
    }

    /// Of several such tokens, keeps the one that may be used first: a source that hands out ever later ones must not
    /// put the first of them off for ever.
    fn keep_for_later(&mut self, now: Now, grant: Grant) {
        let valid_from = now.boot + grant.not_before;
        let useful = grant.end() > valid_from + LEAST_LEFT.min(grant.lifetime / 10);
        let mut left_out = !useful;
        if useful && self.early.as_ref().is_none_or(|early| valid_from < early.valid_from) {
            left_out = self.early.replace(Early { grant, valid_from }).is_some();
        }
        self.tally.unchanged += u64::from(left_out);
    }

    /// The source repeated itself (IMDS caches): better evidence of the expiry, and nothing else.
    fn see_again(&mut self, turn: &mut Turn, end: Duration) {
        self.tally.unchanged += 1;
        if let Some(current) = &mut self.current {
            let min_validity = self.policy.min_validity(current.life);
            current.token = Arc::new(current.token.seen_again(turn.now, end, min_validity));
            turn.act(Action::Publish(current.token.clone()));
        }
    }

    /// Nothing newer came: ask again, but ever less in a hurry the more validity is left. A refresh that was
    /// planned for later stays where it is, unless the token now turns out to expire sooner.
    fn not_newer(&mut self, now: Now, flight: &Flight, least: Duration) {
        let interval = self.policy.interval(self.life(now)).max(least);
        self.pace.answered(now.boot, interval);
        if let Some(cause) = flight.forced {
            self.pace.forced_in_vain(cause, now.boot, interval);
        }
        let next = self.valid(now).map_or(now.boot, |current| {
            let (end, life) = (current.token.end(), current.life);
            let reserve = self.policy.margin(life) + self.policy.spread(life);
            let poll = now.boot + end.saturating_sub(reserve).saturating_sub(now.boot) / 10;
            let planned = self.pace.next().filter(|next| *next > now.boot);
            planned.map_or(poll, |planned| planned.min(end.saturating_sub(self.policy.lower_bound(life))))
        });
        self.pace.schedule(next);
    }

    fn install(&mut self, turn: &mut Turn, grant: Grant, at_once: bool, least: Duration) {
        let (life, end) = (life(&grant, turn.now), grant.end());
        let interval = self.policy.interval(Some(life)).max(least);
        let refresh_in =
            self.policy.refresh_after(life, grant.refresh_in, self.first, turn.draw()).max(interval);
        self.first = false;
        self.version += 1;
        self.tally.renewed += 1;
        self.pace.answered(turn.now.boot, interval);
        self.pace.renewed(turn.now.boot + refresh_in, at_once, turn.now.boot, interval);
        self.early = self.early.take().filter(|early| early.grant.end() > end);
        let before = self.current.as_ref().map(|current| current.token.username());
        self.previous_username = before.filter(|name| *name != grant.username).map(str::to_owned);
        let parts = Parts {
            secret: grant.secret,
            username: grant.username,
            version: self.version,
            end,
            lifetime: life.nominal,
            min_validity: self.policy.min_validity(life),
            least_fresh: self.policy.least_fresh(life),
            margin: self.policy.margin(life),
            refresh_in,
        };
        let current = Current { token: Arc::new(Token::new(parts, turn.now)), life, seen_at: turn.now.boot };
        turn.act(Action::Publish(current.token.clone()));
        turn.report(ProviderEvent::TokenRefreshed {
            version: self.version,
            expires_unix_ms: millis(turn.now.wall + life.seen),
            uti: grant.uti,
        });
        let term = self.term(&current);
        self.current = Some(current);
        self.listeners.news(turn.now.boot, term, at_once, turn.random);
    }
}

fn expired(grant: &Grant) -> Error {
    let what = match grant.remaining.is_zero() {
        true => {
            "The token source answered a token that has already expired, by the clock of whoever issued it."
        }
        false => "The source's token expired on its way here.",
    };
    Error::new(ErrorKind::BadResponse, what)
}

/// The moment is shown by this machine's clock, which whoever reads the message can look at.
fn not_yet_valid(now: Now, grant: &Grant) -> Error {
    let from = UNIX_EPOCH + now.wall + grant.not_before;
    let message = format!(
        "The token source answered a token that is valid only from {} on, {} s from now. Check the clocks of this \
         machine and of the source.",
        httpdate::fmt_http_date(from),
        grant.not_before.as_secs_f64().ceil()
    );
    Error::new(ErrorKind::BadResponse, message)
}

/// The lengths that the times of this token scale with, if it is used from now on.
fn life(grant: &Grant, now: Now) -> Life {
    let left = grant.end().saturating_sub(now.boot);
    Life { seen: left, nominal: grant.lifetime.max(left) }
}
