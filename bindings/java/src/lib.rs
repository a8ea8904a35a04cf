//! The native half of the Java library `entrakey`: it converts, calls the core and converts back.
//!
//! Everything here is private to `entrakey.Native`, which is the only Java class that calls it. Values cross as the flat bytes
//! of [`wire`], so no Java class or method is looked up by its name, and no Java code is called from here. What the
//! core has to say later waits in [`messages`] and [`events`] for a thread of Java's: no thread of ours is ever
//! attached to the virtual machine.

mod connections;
mod encode;
mod events;
mod inherited;
mod messages;
mod natives;
mod provider;
mod requests;
mod status;
mod waiting;
mod wire;

/// What this library gives back to the system holds no secret any more.
#[global_allocator]
static ALLOCATOR: entrakey_sys::memory::Wiping = entrakey_sys::memory::Wiping;
