//! What happens to a provider: callers, answers, clocks that jump, rejections, a fork, the end.

use crate::ledger::{Caller, LATENESS, Landing};
use crate::promise::Life;
use crate::requests::{Cause, Requests};
use crate::source::{Reply, Source};
use crate::source_life::SourceLife;
use crate::world::World;
use entrakey_core::internals::{Action, Grant, Input, Machine, Wish};
use entrakey_core::{DuringOutage, ErrorKind, ProviderEvent};
use std::time::Duration;

/// A request that a host or server wants may fail once before it goes by the pace of failures.
const REQUESTS_FOR_A_WISH: f64 = 2.0;

impl World {
    pub fn call(&mut self) {
        self.numbers += 1;
        let id = self.numbers;
        let patience = [5, 30, 30, 31, 60][self.rng.usize(..5)];
        let patience = Duration::from_secs(patience).mul_f64(0.1 + 0.9 * self.rng.f64());
        let during_outage = if self.rng.u8(..4) > 0 { DuringOutage::Wait } else { DuringOutage::Report };
        let wish = Wish { deadline: self.now.boot + patience, during_outage, hands_on: false };
        self.sums.calls += 1;
        let left = self.ledger.serving.as_ref().map_or(Duration::ZERO, |serving| self.left(serving));
        self.say(|_| format!("call {id}: {wish:?}, {left:?} left"));
        // A token may end before a timer that is late rings.
        let hopes = left > LATENESS * 4;
        let by = if hopes { wish.deadline.min(self.now.boot + left / 2) } else { wish.deadline };
        let caller = Caller {
            came: self.now.boot,
            deadline: wish.deadline,
            by,
            waits: during_outage == DuringOutage::Wait,
        };
        self.ledger.waiting.insert(id, caller);
        let open = self.now.boot > self.requests.open_by;
        self.step(Input::Get(id, wish));
        if open && !self.is_usable() && self.requests.flight.is_none() {
            self.violate("O4: a caller finds little or nothing left, and no request is made");
        }
    }

    pub fn land(&mut self, index: usize) {
        let reply = self.replies.swap_remove(index);
        let Reply { number, token, asked, date, sent_at, fatal, .. } = reply;
        let current = self.requests.flight.as_ref().is_some_and(|flight| flight.number == number);
        match self.source.read(reply, self.now) {
            Ok(grant) => {
                let Some(token) = token else {
                    return self.violate("what is no token is taken for one");
                };
                if let Some(wrong) = self.misread(&grant, token, date, sent_at) {
                    return self.violate(&wrong);
                }
                let left = (grant.sent_at + grant.remaining).saturating_sub(self.now.boot);
                self.say(|_| format!("answer {number}: token {}, {left:?} left", token.id));
                if current {
                    self.expect(&grant);
                }
                self.step(Input::Answered(number, grant));
            }
            Err(error) => {
                self.say(|_| format!("answer {number}: {error}"));
                if token.is_some() || error.is_retriable() == fatal {
                    return self.violate(&format!("an answer is misread: {error}"));
                }
                self.ledger.refusal = Some(asked.filter(|_| self.source.says_when())).filter(|_| current);
                self.step(Input::Failed(number, error));
            }
        }
        if current && self.requests.flight.as_ref().is_some_and(|flight| flight.number == number) {
            self.violate("O2: a request has ended, and nothing follows");
        }
        if self.rng.u8(..64) == 0 {
            self.check_status();
        }
    }

    /// An answer to the request under way is about to be told.
    fn expect(&mut self, grant: &Grant) {
        let (now, end) = (self.now.boot, grant.sent_at + grant.remaining);
        let left = end.saturating_sub(now);
        let ending = self.ledger.shown.judge(left, grant.lifetime, grant.is_life_stated);
        let forced = self.requests.flight.as_ref().map(|flight| flight.forced).unwrap_or_default();
        let wanted = self.requests.wants(Cause::Rejection);
        let landing = Landing {
            id: Source::id(&grant.secret),
            end,
            lifetime: grant.lifetime,
            not_before: grant.not_before,
            hint: grant.refresh_in,
            ending,
            forced,
            rejected: wanted || forced.maybe == Some(Cause::Rejection),
            certainly_rejected: !self.requests.blurred
                && (wanted || forced.surely && forced.maybe == Some(Cause::Rejection)),
        };
        self.ledger.landing = Some(landing);
        if !landing.has_expired(now) {
            self.ledger.skew_ms = grant.skew_ms.or(self.ledger.skew_ms);
        }
    }

    pub fn incident(&mut self) {
        let version = self.ledger.serving.as_ref().map_or(0, |serving| serving.version);
        match self.rng.u8(..18) {
            0 => self.jump_ahead(),
            1 => {
                let back = self.lifetime.mul_f64(self.rng.f64());
                self.now.wall = self.now.wall.saturating_sub(back);
                self.say(|_| format!("the clock is put back by {back:?}"));
            }
            2 => self.suspend(),
            3 | 4 => {
                self.say(|_| "the host wants another token".to_owned());
                self.want(Cause::Host);
                self.step(Input::Refresh);
            }
            5 | 6 => {
                self.reject(version);
                self.step(Input::Rejected(version));
            }
            7 => self.step(Input::Rejected(version.saturating_sub(1))),
            8 if self.listeners.len() < 8 => self.subscribe(),
            9 => self.unsubscribe_oldest(),
            10 => {
                self.say(|_| "the credential has changed".to_owned());
                self.requests.credential_changed(self.now.boot);
                self.budget.add(REQUESTS_FOR_A_WISH);
                self.step(Input::CredentialChanged);
            }
            11 | 12 => self.acknowledge_nonsense(),
            13 => self.fork(),
            14 | 15 => self.connect(),
            16 => self.lose_connection(),
            _ => {}
        }
        self.step(Input::Timer);
    }

    fn want(&mut self, cause: Cause) {
        self.requests.want(self.now.boot, cause);
        self.budget.add(REQUESTS_FOR_A_WISH);
    }

    /// A server refuses the token of this version: only the current one's matters.
    pub fn reject(&mut self, version: u64) {
        let current = self.ledger.serving.as_ref().is_some_and(|serving| serving.version == version);
        self.say(|_| format!("version {version} is rejected"));
        if current {
            self.want(Cause::Rejection);
        }
    }

    fn jump_ahead(&mut self) {
        let ahead = self.lifetime.mul_f64(2.0 * self.rng.f64());
        self.now.wall += ahead;
        self.say(|_| format!("the clock jumps by {ahead:?}"));
        if let Some(serving) = &mut self.ledger.serving {
            serving.cut = true;
        }
        self.lose_hope();
    }

    /// Whoever waited for better than the little that was left has nothing to fall back on, if that is gone.
    fn lose_hope(&mut self) {
        if self.valid().is_none() {
            self.budget.add(1.0);
            self.ledger.waiting.values_mut().for_each(|caller| caller.by = caller.deadline);
        }
    }

    /// Everything that fell due meanwhile is late, and that is no fault of the machine.
    fn suspend(&mut self) {
        let asleep = self.lifetime.mul_f64(3.0 * self.rng.f64());
        self.now.boot += asleep; // the monotonic clock stands still
        self.now.wall += asleep;
        self.say(|_| format!("asleep for {asleep:?}"));
        self.lose_hope();
        let now = self.now.boot;
        self.ledger.waiting.values_mut().for_each(|caller| caller.by = caller.by.max(now));
        self.ledger.owed.values_mut().for_each(|owed| owed.by = owed.by.max(now));
        self.source.mood_since = self.source.mood_since.max(now); // no proof of a healthy stretch
    }

    /// From here on the history is that of a forked child, which inherits a token at most.
    fn fork(&mut self) {
        self.say(|_| "fork".to_owned());
        self.sums.forks += 1;
        self.listeners.clear();
        self.replies.clear();
        self.machine = Machine::new(self.promise.0.clone());
        self.client = None;
        self.requests = Requests::new(self.promise.clone());
        let serving = std::mem::take(&mut self.ledger).serving;
        let (_, at_once) = self.promise.allowance(&self.source, None);
        self.budget.refill(self.now.boot, at_once);
        let Some(mut serving) = serving else { return };
        let left = self.left(&serving);
        let life = Life { seen: left, ..serving.life };
        self.requests = Requests::adopted(self.promise.clone(), self.now.boot, life);
        // That little is left of it when it is inherited is no reason to ask more often.
        serving.life.seen = life.nominal.max(left);
        serving.refresh_on = self.requests.planned_by().unwrap_or(self.now.boot);
        serving.cut |= left.is_zero();
        self.adopt(serving.published.clone());
        (self.ledger.shown, self.ledger.seen_one) = (SourceLife::from(life.nominal), true);
        self.ledger.serving = Some(serving);
        self.subscribe(); // bindings arm their listeners anew
    }

    /// The end: every caller that waits is told so, and nothing more happens.
    pub fn close(&mut self) {
        if self.rng.bool() {
            self.call();
        }
        self.ledger.closed = true;
        let number = self.requests.flight.as_ref().map_or(0, |flight| flight.number);
        let version = self.ledger.serving.as_ref().map_or(0, |serving| serving.version);
        let listener = self.listeners.keys().next().copied().unwrap_or(0);
        self.closed_step(Input::Close);
        if !self.ledger.waiting.is_empty() {
            self.violate("O7: a caller still waits after the end");
        }
        self.closed_call();
        for reply in std::mem::take(&mut self.replies) {
            let number = reply.number;
            self.closed_step(match self.source.read(reply, self.now) {
                Ok(grant) => Input::Answered(number, grant),
                Err(error) => Input::Failed(number, error),
            });
        }
        self.closed_step(Input::Failed(number, entrakey_core::internals::error(ErrorKind::Network, None)));
        self.now.boot += self.lifetime * 2;
        self.closed_step(Input::Timer);
        self.closed_step(Input::Refresh);
        self.closed_step(Input::CredentialChanged);
        self.closed_step(Input::Rejected(version));
        let (accepted, panicked) = (self.rng.bool(), self.rng.bool());
        self.closed_step(Input::Acknowledged { listener, version, accepted });
        self.closed_step(Input::Returned { listener, panicked });
        self.closed_step(Input::Unsubscribed(listener));
        self.closed_step(Input::Close);
        self.closed_call();
    }

    fn closed_call(&mut self) {
        self.numbers += 1;
        let (came, waits) = (self.now.boot, self.rng.bool());
        let during_outage = if waits { DuringOutage::Wait } else { DuringOutage::Report };
        let deadline = came + Duration::from_secs(30);
        self.ledger.waiting.insert(self.numbers, Caller { came, deadline, by: came, waits });
        self.closed_step(Input::Get(self.numbers, Wish { deadline, during_outage, hands_on: false }));
        if !self.ledger.waiting.is_empty() {
            self.violate("O7: a call to a closed provider waits");
        }
    }

    fn closed_step(&mut self, event: Input) {
        for action in self.raw_step(event) {
            match action {
                Action::Resolve(id, answer) => self.resolve(id, answer),
                Action::Report(
                    ProviderEvent::TokenRefreshed { .. } | ProviderEvent::RefreshFailed { .. },
                ) => {
                    self.violate("the source is heard after the end");
                }
                // What hosts and servers still say is passed on to observers.
                Action::Report(_) => {}
                Action::Fetch(..) | Action::Publish(_) | Action::Notify(_) => {
                    self.violate("something is done after the end");
                }
            }
        }
        let status = self.machine.status(self.now);
        let held = self.machine.newest().is_some() || status.version > 0 || status.listeners.count > 0;
        if held || !self.machine.is_closed() || status.next_refresh_in_ms.is_some() {
            self.violate("something is held after the end");
        }
        if self.machine.alarm(self.now).is_some() || status.refreshing {
            self.violate("something is planned after the end");
        }
    }
}
