//! A client's connections, one by one, and whether a server may see a token.

use crate::convert::{Failure, version_of};
use crate::provider::Handle;
use crate::rejection::{RejectionParts, explained};
use entrakey_core::Connection;
use napi::bindgen_prelude::{Either, External};
use napi_derive::napi;

/// A connection of a subscription is about to authenticate with the token of `version`; nothing if that has ended.
#[napi(catch_unwind)]
pub fn opened(handle: &External<Handle>, id: u32, version: f64) -> Option<External<Connection>> {
    let opened = handle.subscriptions().get(&id).map(|subscription| subscription.opened(version_of(version)));
    opened.map(External::new)
}

/// Whether it is to be authenticated with the token of `version`.
#[napi(catch_unwind)]
pub fn is_behind(connection: &External<Connection>, version: f64) -> bool {
    connection.is_behind(version_of(version))
}

/// The server took the token of `version`.
#[napi(catch_unwind)]
pub fn authenticated(connection: &External<Connection>, version: f64) {
    connection.authenticated(version_of(version));
}

/// Something else came instead, with this message.
#[napi(catch_unwind)]
pub fn refused(
    connection: &External<Connection>,
    version: f64,
    message: String,
) -> Either<RejectionParts, Failure> {
    explained(connection.refused(version_of(version), &message))
}

/// The connection is closed.
#[napi(catch_unwind)]
pub fn disconnected(connection: &External<Connection>) {
    connection.closed();
}

/// Refuses a connection without TLS that leaves this machine.
#[napi(catch_unwind)]
pub fn check_plaintext(host: String, remedy: String) -> Option<Failure> {
    entrakey_core::check_plaintext(&host, &host, &remedy).err().map(Failure::from)
}
