//! The listeners of a history: when they are called, how long they take, what they answer.

use crate::connections::Client;
use crate::draws::Draw;
use crate::ledger::{LATENESS, Listener, Owed, Term};
use crate::promise::LONG_LIVED;
use crate::world::World;
use entrakey_core::internals::{Delivery, Input};
use std::time::Duration;

impl World {
    pub fn subscribe(&mut self) {
        self.numbers += 1;
        let id = self.numbers;
        let on = self.valid().map_or(Term::default(), |_| self.newest_on());
        let listener = Listener {
            begins: None,
            returns: None,
            stalls: self.rng.u8(..4) == 0,
            panics: self.rng.u8(..4) == 0,
            acknowledges: self.rng.bool(),
            told: on,
            on,
        };
        self.listeners.insert(id, listener);
        self.step(Input::Subscribed(id));
    }

    pub fn unsubscribe_oldest(&mut self) {
        let Some(id) = self.listeners.keys().min().copied() else { return };
        self.listeners.remove(&id);
        self.ledger.owed.remove(&id);
        self.step(Input::Unsubscribed(id));
    }

    fn newest_on(&self) -> Term {
        let serving = self.ledger.serving.as_ref();
        serving.map_or(Term::default(), |serving| Term {
            version: serving.version,
            deadline: serving.end.saturating_sub(self.promise.margin(serving.life.nominal)),
            spread: self.promise.spread(serving.life.nominal),
        })
    }

    /// Every listener that is on an older token has to hear of this one: inside the spread and by the older one's
    /// deadline, or at once after that, and after a rejection.
    pub fn owe(&mut self, version: u64, rejected: bool) {
        let (now, newest) = (self.now.boot, self.newest_on());
        for (id, listener) in &mut self.listeners {
            if listener.told.version == 0 {
                (listener.told, listener.on) = (newest, newest); // no connection was authenticated
                continue;
            }
            let busy = listener.returns.max(listener.begins).unwrap_or(Duration::ZERO);
            let spread = listener.told.spread.max(listener.on.spread);
            let by = if rejected { now } else { listener.told.deadline.min(now + spread) };
            let window = by.checked_sub(now).filter(|window| busy <= now && !rejected && !window.is_zero());
            let by = by.max(now).max(busy);
            self.ledger
                .owed
                .entry(*id)
                .and_modify(|owed| {
                    owed.version = version;
                    owed.by = if rejected { owed.by.min(by) } else { owed.by };
                    owed.window = None;
                })
                .or_insert(Owed { version, since: now, window, by });
        }
    }

    pub fn notify(&mut self, id: u64) {
        if let Some(client) = self.client.as_mut().filter(|client| client.id == id) {
            client.due = true;
            return;
        }
        let now = self.now.boot;
        let delay =
            if self.rng.u8(..8) == 0 { self.lifetime.mul_f64(self.rng.f64()) } else { Duration::ZERO };
        let Some(listener) = self.listeners.get_mut(&id) else {
            return self.violate("O8: a listener that is gone is called");
        };
        if listener.returns.is_some() || listener.begins.is_some() {
            return self.violate("O8: a listener is called twice at a time");
        }
        listener.begins = Some(now + delay);
        self.say(|_| format!("listener {id} is to be called in {delay:?}"));
        if let Some(owed) = self.ledger.owed.get_mut(&id) {
            owed.by = owed.by.max(now + delay);
            let share =
                owed.window.take().map(|window| (now - owed.since).as_secs_f64() / window.as_secs_f64());
            let draw = if self.lifetime < LONG_LIVED { Draw::ShortNews } else { Draw::News };
            self.sums.draws.extend(share.map(|share| (draw, share)));
        }
    }

    /// A dispatcher thread gets round to a listener.
    pub fn begin_call(&mut self, id: u64) {
        let (news, newest, now) = (self.machine.tell(self.now, id), self.newest_on(), self.now.boot);
        let stalled =
            if self.rng.u8(..3) == 0 { self.lifetime.mul_f64(self.rng.f64()) } else { Duration::ZERO };
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        listener.begins = None;
        let time = if listener.stalls { stalled } else { Duration::from_millis(1) };
        listener.returns = Some(now + time);
        let before = *listener;
        self.say(|_| format!("listener {id} is called for {time:?}"));
        let Some((token, delivery)) = news else { return };
        if token.version() <= before.told.version || token.version() != newest.version {
            return self
                .violate("O8: a listener is told of a token that it knows, or that is not the newest");
        }
        if (delivery == Delivery::Late) != (now > before.on.deadline)
            && now.abs_diff(before.on.deadline) > LATENESS
        {
            return self.violate("O8: news is called late that is not, or the other way round");
        }
        if let Some(listener) = self.listeners.get_mut(&id) {
            listener.told = newest;
        }
        self.sums.notifications += 1;
        self.ledger.owed.remove(&id);
    }

    pub fn come_back(&mut self, id: u64) {
        let accepted = self.rng.u8(..8) > 0;
        let Some(listener) = self.listeners.get_mut(&id) else { return };
        listener.returns = None;
        let (panicked, acknowledges, told) = (listener.panics, listener.acknowledges, listener.told);
        if acknowledges && accepted || !acknowledges && !panicked {
            listener.on = told;
        }
        self.say(|_| format!("listener {id} returns"));
        if acknowledges {
            self.acknowledge(id, told.version, accepted);
        }
        self.step(Input::Returned { listener: id, panicked });
    }

    fn acknowledge(&mut self, listener: u64, version: u64, accepted: bool) {
        if !accepted {
            self.reject(version);
        }
        self.step(Input::Acknowledged { listener, version, accepted });
    }

    /// An acknowledgement that means nothing: of a version that this listener was not told of, or by an unknown one.
    pub fn acknowledge_nonsense(&mut self) {
        let newest = self.ledger.serving.as_ref().map_or(0, |serving| serving.version);
        let version = [0, newest.saturating_sub(1), newest, newest + 1, u64::MAX][self.rng.usize(..5)];
        let known = self.listeners.keys().nth(self.rng.usize(..8)).copied();
        let accepted = self.rng.u8(..4) > 0;
        let id = known.unwrap_or(u64::MAX);
        if !(1..=newest).contains(&version) || known.is_none() {
            // It names no known listener, or a token that never existed: the machine must ignore it.
            let before = self.reauthentications();
            self.step(Input::Acknowledged { listener: id, version, accepted });
            if self.reauthentications() != before {
                self.violate("O8: an acknowledgement that means nothing counts");
            }
        } else if let Some(listener) = self.listeners.get_mut(&id) {
            if listener.told.version == version {
                return; // that one would mean something
            }
            listener.acknowledges = true; // the listener has shown that it does
            self.acknowledge(id, version, accepted);
        }
        self.check_oldest();
    }

    pub fn reauthentications(&self) -> (u64, u64) {
        let counters = self.machine.status(self.now).counters;
        (counters.reauths_accepted, counters.reauths_rejected)
    }

    /// What the listeners' connections are on.
    pub fn check_oldest(&mut self) {
        let on = self.listeners.values().map(|listener| listener.on.version).filter(|version| *version > 0);
        let expected = on.chain(self.client.iter().flat_map(Client::on)).min();
        let oldest = self.machine.status(self.now).listeners.oldest_version;
        if oldest != expected {
            self.violate(&format!("O8: listeners count as on version {oldest:?}, not {expected:?}"));
        }
    }
}
