//! The gate in front of a real Redis: every command that it has, behind the same checks.
//!
//! Each client gets a connection of its own to the server behind. Requests are passed on as they come and their
//! replies counted back; what decides about the connection (AUTH, HELLO, RESET, QUIT) waits until every earlier
//! reply has come, and is answered here. Access policies are the server's own: users with the object ids as names.

mod backend;
mod channels;
mod decisions;
mod relay;
mod replies;
mod upstream;

pub(crate) use backend::Backend;
pub(super) use relay::run;
