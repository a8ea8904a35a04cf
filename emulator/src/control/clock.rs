//! The emulator's clock, as it is shown and set.

use super::Control;
use crate::Error;
use crate::clock::Clock;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A day in less than a second: nothing that a test does takes no time at all.
const MAX_SCALE: f64 = 100_000.0;

/// What the clock shows: that by which tokens are minted, checked and expire.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ClockState {
    /// Seconds since the Unix epoch.
    pub now: f64,
    /// How far it is ahead of the system's clock; negative: behind.
    pub offset_ms: i64,
    /// How many of its seconds pass in one of the system's.
    pub scale: f64,
}

/// How to change the clock. What is given is done in this order.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockChange {
    /// How far it is ahead of the system's clock from now on; negative: behind.
    pub offset_ms: Option<i64>,
    /// How far to move it; negative: back.
    pub advance_ms: Option<i64>,
    /// How many of its seconds pass in one of the system's; 0 stops it.
    #[schema(minimum = 0, maximum = 100_000)]
    pub scale: Option<f64>,
}

impl ClockChange {
    /// All of it or, with a sentence, nothing.
    pub(crate) fn apply(&self, clock: &Clock) -> Result<(), Error> {
        if self.scale.is_some_and(|scale| !(0.0..=MAX_SCALE).contains(&scale)) {
            return Err(Error::new(format!("the clock's scale lies between 0 and {MAX_SCALE}")));
        }
        self.offset_ms.into_iter().for_each(|offset| clock.set_offset_ms(offset));
        self.advance_ms.into_iter().for_each(|by| clock.advance_ms(by));
        self.scale.into_iter().for_each(|scale| clock.set_scale(scale));
        Ok(())
    }
}

impl Control {
    pub(crate) fn clock(&self) -> ClockState {
        let clock = &self.tenant.clock;
        ClockState { now: clock.now().as_secs_f64(), offset_ms: clock.offset_ms(), scale: clock.scale() }
    }

    pub(crate) fn set_clock(&self, change: &ClockChange) -> Result<ClockState, Error> {
        change.apply(&self.tenant.clock)?;
        let state = self.clock();
        self.witness.log.note(format_args!("the clock: {} ms ahead, {} times", state.offset_ms, state.scale));
        Ok(state)
    }
}
