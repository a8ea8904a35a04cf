//! The unsafe that `entrakey-core` needs, and nothing else: clocks cheap enough for the hit path, a
//! counter that tells a forked child from its parent, threads that leave the host's signals alone, a
//! descriptor that wakes an event loop, memory that is wiped, groups of users, and code that stays mapped.
//!
//! `core` forbids unsafe code; every call into libc that it depends on is one of the few functions here.

pub mod clock;
pub mod fork;
pub mod groups;
pub mod memory;
pub mod process;
pub mod thread;
pub mod unload;
pub mod wake;
