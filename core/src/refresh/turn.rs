//! One step of the machine: the time that it sees, its random numbers, and what it wants done.

use super::step::Action;
use crate::clock::Now;
use crate::event::ProviderEvent;

/// Uniform numbers from 0 to 1.
pub type Random<'a> = &'a mut dyn FnMut() -> f64;

pub(super) struct Turn<'a> {
    pub(super) now: Now,
    pub(super) random: Random<'a>,
    actions: Vec<Action>,
}

impl<'a> Turn<'a> {
    pub(super) fn new(now: Now, random: Random<'a>) -> Self {
        Self { now, random, actions: Vec::new() }
    }

    /// A number from 0 to 1.
    pub(super) fn draw(&mut self) -> f64 {
        (self.random)()
    }

    pub(super) fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Whoever observes the provider is told.
    pub(super) fn report(&mut self, event: ProviderEvent) {
        self.act(Action::Report(event));
    }

    pub(super) fn into_actions(self) -> Vec<Action> {
        self.actions
    }
}
