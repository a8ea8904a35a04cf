//! When to ask for a token: a pure state machine, the times it goes by, and the threads that drive it.
//!
//! Pure, in reading order: `step` (events and actions), `policy` (how long to wait for what), `machine`,
//! `arrival` (a token has come), `pace` (when to ask), `listeners`, `repeats` (of the same trouble), `tally`. With threads: `driver`, `timer`,
//! `closing` (its lock and end), `dispatch`, `callers`, `calls` (of listeners), `observers`.

mod arrival;
mod callers;
mod calls;
mod closing;
mod dispatch;
mod driver;
#[cfg(all(test, not(feature = "shuttle")))]
mod hazards;
#[cfg(all(test, feature = "shuttle"))]
mod interleavings;
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
#[cfg(test)]
mod tests;
mod timer;
mod waiters;

#[cfg(feature = "internals")]
pub use listeners::Late;
#[cfg(any(test, feature = "internals"))]
pub use machine::Machine;
#[cfg(feature = "internals")]
pub use machine::Random;
pub use policy::Policy;
#[cfg(feature = "internals")]
pub use step::Action;
pub use step::{Event, Wish};

pub(crate) use driver::Engine;
pub(crate) use snapshot::{Newest, Published, Snapshot};
pub(crate) use tally::DURATION_BOUNDS_S;
