//! `entrakey_connection`: one connection of a client, and what holds for it.

use crate::error::EntrakeyError;
use crate::rejection::EntrakeyRejection;
use crate::subscription::EntrakeySubscription;
use crate::watch::EntrakeyWatch;
use crate::{guard, handle, text};
use entrakey_core::{Connection, WHILE_CONNECTING};
use std::ffi::c_char;

/// How long a client that is inside its own connect should wait for a token, in milliseconds, with
/// entrakey_provider_get_token_no_wait: clients give a connect a few seconds and try again by themselves.
pub const ENTRAKEY_CONNECT_TIMEOUT_MS: u64 = 5000;
const _: () = assert!(matches!(WHILE_CONNECTING.timeout, Some(timeout) if timeout.as_millis() == 5000));

/// One open connection of the client to a server, counted under a subscription or a watch. With connections, status,
/// metrics and log lines count each connection once. A client that connects again makes another object. Thread-safe.
/// Call entrakey_connection_free when the connection is closed, before or after its subscription, its watch and its
/// provider are freed. In a forked child it does nothing, because the connection is the parent's.
pub struct EntrakeyConnection(Connection);

/// Counts a connection of the client's that is about to send AUTH with the token of this version. From the first such
/// connection on, the connections say which tokens the subscription is on, and entrakey_subscription_ack no longer
/// does. Never blocks. Returns NULL for NULL.
///
/// # Safety
/// subscription is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_subscription_opened(
    subscription: *const EntrakeySubscription,
    version: u64,
) -> *mut EntrakeyConnection {
    let opened = |subscription: &EntrakeySubscription| subscription.0.opened(version);
    // SAFETY: the function's own contract.
    let made = unsafe { guard::get(subscription, None, |subscription| Some(opened(subscription))) };
    made.map_or(std::ptr::null_mut(), |made| handle::give(EntrakeyConnection(made)))
}

/// As entrakey_subscription_opened.
///
/// # Safety
/// watch is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_watch_opened(
    watch: *const EntrakeyWatch,
    version: u64,
) -> *mut EntrakeyConnection {
    // SAFETY: the function's own contract.
    let made = unsafe { guard::get(watch, None, |watch| Some(watch.0.opened(version))) };
    made.map_or(std::ptr::null_mut(), |made| handle::give(EntrakeyConnection(made)))
}

/// Whether the connection should authenticate with the token of this version: it is on an older token, and its server
/// has not refused this one. Cheap enough to ask before every command, with entrakey_provider_version. Returns false
/// for NULL.
///
/// # Safety
/// connection is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_connection_is_behind(
    connection: *const EntrakeyConnection,
    version: u64,
) -> bool {
    // SAFETY: the function's own contract.
    unsafe { guard::get(connection, false, |connection| connection.0.is_behind(version)) }
}

/// Says that the server answered OK to an AUTH with the token of this version, the connection's first AUTH or a later
/// one. Never blocks. NULL does nothing.
///
/// # Safety
/// connection is NULL or live.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_connection_authenticated(
    connection: *const EntrakeyConnection,
    version: u64,
) {
    // SAFETY: the function's own contract.
    unsafe { guard::get(connection, (), |connection| connection.0.authenticated(version)) }
}

/// Says that the server answered an AUTH with this message instead of OK. The message is explained as
/// entrakey_provider_report_rejected does it. If it is a verdict on the token (the reason is not "not_a_refusal"), the
/// connection counts as being on the token that it had before, and is not behind on the token of this version. Never
/// blocks. rejection may be NULL. Fails with CLOSED, also in a forked child.
///
/// # Safety
/// connection is NULL or live; message is NULL or NUL-terminated; rejection is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_connection_refused(
    connection: *const EntrakeyConnection,
    version: u64,
    message: *const c_char,
    rejection: *mut *mut EntrakeyRejection,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let (connection, message) =
            unsafe { (handle::borrow(connection, "connection")?, text::read_loosely(message, "message")?) };
        let found = connection.0.refused(version, &message)?;
        // SAFETY: the function's own contract.
        unsafe { EntrakeyRejection::write(&found, rejection) }
    })
}

/// Says that the connection is closed, and ends the object. Never blocks. NULL does nothing.
///
/// # Safety
/// connection is NULL or live, and not used again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_connection_free(connection: *mut EntrakeyConnection) {
    // SAFETY: the function's own contract.
    guard::value((), || unsafe { handle::free(connection) });
}

/// Refuses a connection without TLS that leaves this machine, with INVALID_CONFIG. peer is the host or address that the
/// connection goes to; name is the same as the user wrote it; remedy says how the user's client switches TLS on, and
/// becomes part of the message. Resolves no name. Never blocks.
///
/// # Safety
/// peer, name and remedy are NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn entrakey_check_plaintext(
    peer: *const c_char,
    name: *const c_char,
    remedy: *const c_char,
) -> *mut EntrakeyError {
    guard::call(|| {
        // SAFETY: the function's own contract.
        let (peer, name, remedy) = unsafe {
            let name = text::read_loosely(name, "name")?;
            (text::read_loosely(peer, "peer")?, name, text::read_loosely(remedy, "remedy")?)
        };
        entrakey_core::check_plaintext(&peer, &name, &remedy)
    })
}
