//! When to ask for a token: a pure state machine, the times it goes by, and the threads that drive it.
//!
//! Pure, in reading order: `step` (inputs and actions), `policy` (how long to wait for what), `machine`, `turn` (one step
//! of it), `arrival` (a token has come), `pace` (when to ask), `waiters`, `listeners`, `listener`, `term` (until when
//! connections may stay on a token), `repeats` (of the same trouble), `tally`, `report` (for `status`),
//! `credential_watch`. With threads: `driver`, `timer`, `closing` (the engine's lock and end), `dispatch`, `callers`,
//! `calls` (of listeners), `observers`, `snapshot`.

mod arrival;
mod callers;
mod calls;
mod closing;
mod credential_watch;
mod dispatch;
mod driver;
#[cfg(all(test, not(feature = "shuttle")))]
mod driving;
#[cfg(all(test, not(feature = "shuttle")))]
mod hazards;
#[cfg(all(test, feature = "shuttle"))]
mod interleavings;
mod listener;
mod listeners;
mod machine;
mod observers;
mod pace;
mod policy;
mod repeats;
mod report;
mod snapshot;
mod step;
mod tally;
mod term;
#[cfg(test)]
mod tests;
mod timer;
mod turn;
mod waiters;

#[cfg(feature = "internals")]
pub use listener::Delivery;
#[cfg(any(test, feature = "internals"))]
pub use machine::Machine;
pub use policy::Policy;
#[cfg(feature = "internals")]
pub use step::Action;
pub use step::{DuringOutage, Input, Wish};
#[cfg(feature = "internals")]
pub use turn::Random;

pub(crate) use callers::ListenerCallback;
pub(crate) use driver::Engine;
pub(crate) use snapshot::{Newest, Published, Snapshot};
pub(crate) use tally::DURATION_BOUNDS_S;
