//! The native methods of `entrakey.Native`: the only file with `unsafe`.
//!
//! None of them blocks but `take` and `takeEvent`, which a thread of their own calls: a virtual thread that calls one of the others
//! keeps its carrier for no longer than a lock of ours lasts. None lets a panic out. `entrakey.Native` keeps the
//! object that a pointer belongs to alive for the time of each call.

use crate::provider::{Handle, Supplies};
use crate::wire::Writer;
use crate::{encode, inherited, status, waiting};
use entrakey_core::{
    DuringOutage, Error, GetToken, Token, WHILE_CONNECTING, check_plaintext, render_metrics,
};
use jni::errors::LogErrorAndDefault;
use jni::objects::{JByteArray, JClass, JLongArray, JObject};
use jni::sys::{jboolean, jint, jlong};
use jni::{Env, EnvUnowned};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use zeroize::Zeroizing;

/// What `Native.INTERFACE` must be: the names, arguments and bytes that both halves mean.
const INTERFACE: jint = 2;

/// The provider that a pointer of Java's stands for.
fn provider<'a>(pointer: jlong) -> &'a Handle {
    let pointer = std::ptr::with_exposed_provenance::<Handle>(pointer as usize);
    // SAFETY: `create` made the pointer from a box. `Native` passes no other, and calls `release`, which drops the box, only when
    // the garbage collector has found that nobody can call one of its methods any more. A method that runs keeps `this`
    // alive: it is one of its arguments.
    unsafe { &*pointer }
}

/// The bytes that `work` gives, as Java's; null for none. A panic becomes an error of kind INTERNAL.
fn bytes<'local>(
    mut unowned: EnvUnowned<'local>,
    work: impl FnOnce(&mut Env<'local>) -> jni::errors::Result<Option<Vec<u8>>>,
) -> JByteArray<'local> {
    let outcome = unowned.with_env(|env| -> jni::errors::Result<JByteArray<'local>> {
        let panicked = |_| Ok(Some(encode::error(&Error::internal("The library panicked."))));
        match catch_unwind(AssertUnwindSafe(|| work(env))).unwrap_or_else(panicked)? {
            Some(bytes) => env.byte_array_from_slice(&bytes),
            None => Ok(JByteArray::default()),
        }
    });
    // An error here is Java's own, with its exception pending (no memory for an array).
    outcome.resolve::<LogErrorAndDefault>()
}

/// The value that `work` gives; a panic becomes the default.
fn plain<T: Default>(work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_default()
}

/// Java's array, wiped when it is dropped: it may hold a secret.
fn read(env: &Env<'_>, array: &JByteArray<'_>) -> jni::errors::Result<Zeroizing<Vec<u8>>> {
    env.convert_byte_array(array).map(Zeroizing::new)
}

/// Java's text; what is no UTF-8, which `Native` never passes, is replaced.
fn text(env: &Env<'_>, array: &JByteArray<'_>) -> jni::errors::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(String::from_utf8_lossy(&read(env, array)?).into_owned()))
}

fn version_of(number: jlong) -> u64 {
    u64::try_from(number).unwrap_or(0) // a version below 0 is one that no token has
}

fn is(token: &Token, version: jlong, expires: jlong) -> bool {
    token.version() == version_of(version) && token.expires_unix_ms() == version_of(expires)
}

/// Which interface this library has. It also is the call that does nothing, for benchmarks.
// SAFETY: the name is one that Java's virtual machine looks for, and nobody else has.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_interfaceNumber(_: EnvUnowned<'_>, _: JClass<'_>) -> jint {
    INTERFACE
}

/// A new provider's pointer, or an error.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_create<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    entries: JByteArray<'local>,
    tokens: jboolean,
    assertions: jboolean,
    observed: jboolean,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let entries = read(env, &entries)?;
        Ok(Some(match Handle::open(&entries, Supplies { tokens, assertions }, observed) {
            Ok(handle) => {
                let pointer = Box::into_raw(Box::new(handle)).expose_provenance();
                Writer::new(b'H').number(pointer as i64).done()
            }
            Err(error) => encode::error(&error),
        }))
    })
}

/// Drops the provider.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_release(_: EnvUnowned<'_>, _: JClass<'_>, pointer: jlong) {
    let pointer = std::ptr::with_exposed_provenance_mut::<Handle>(pointer as usize);
    // SAFETY: see `provider`; `Native` calls this once for each pointer.
    plain(|| drop(unsafe { Box::from_raw(pointer) }));
}

/// Refuses a host that is reached without TLS and is not this machine.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_checkPlaintext<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    host: JByteArray<'local>,
    remedy: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let (host, remedy) = (text(env, &host)?, text(env, &remedy)?);
        Ok(encode::outcome(check_plaintext(&host, &host, &remedy)))
    })
}

/// Takes over the settings of an older library.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_inherit<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    settings: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| Ok(inherited::inherited(&read(env, &settings)?)))
}

/// The metrics of these providers as one text. The objects of the pointers come along, so that they are alive meanwhile.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_metrics<'local>(
    env: EnvUnowned<'local>,
    _: JClass<'local>,
    pointers: JLongArray<'local>,
    _: JObject<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let mut read = vec![0; pointers.len(env)?];
        pointers.get_region(env, 0, &mut read)?;
        let all = read.into_iter().map(|pointer| provider(pointer).provider.status()).collect();
        Ok(Some(render_metrics(all).into_bytes()))
    })
}

/// The version of the token in memory.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_version(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
) -> jlong {
    plain(|| provider(pointer).provider.version() as jlong)
}

/// Whether the token that would be handed out is this one: of the same version, and of the same expiry, which is seen anew when the
/// source repeats itself.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_isUsable(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    version: jlong,
    expires: jlong,
) -> jboolean {
    plain(|| provider(pointer).provider.with_usable(|token| is(token, version, expires)).unwrap_or_default())
}

/// As `isUsable`, of the token in memory if it is valid.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_isValid(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    version: jlong,
    expires: jlong,
) -> jboolean {
    plain(|| provider(pointer).provider.current().is_some_and(|token| is(&token, version, expires)))
}

/// The token in memory, if it is usable.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_usable<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
) -> JByteArray<'local> {
    bytes(env, |_| Ok(provider(pointer).provider.with_usable(|token| encode::token(token))))
}

/// The token in memory, if it is valid.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_valid<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
) -> JByteArray<'local> {
    bytes(env, |_| Ok(provider(pointer).provider.current().map(|token| encode::token(&token))))
}

/// A token or an error, if it is known which; else null, and a message follows. `timeout`: in milliseconds, below 0 for the
/// configured one. `connecting`: the caller is a client's connect. `inside`: the caller is this provider's own source.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_getToken<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    wait: jlong,
    timeout: jlong,
    connecting: jboolean,
    inside: jboolean,
) -> JByteArray<'local> {
    bytes(env, |_| {
        let handle = provider(pointer);
        if let Some(usable) = handle.provider.with_usable(|token| encode::token(token)) {
            return Ok(Some(usable));
        }
        if inside {
            return Ok(Some(encode::error(&Error::reentered())));
        }
        let timeout = u64::try_from(timeout).ok().map(Duration::from_millis);
        let how = if connecting {
            WHILE_CONNECTING
        } else {
            GetToken { timeout, during_outage: DuringOutage::Wait }
        };
        let answer = waiting::start(&handle.provider, how, wait, &handle.messages);
        Ok(answer.map(|answer| encode::answer(&answer)))
    })
}

/// The next message; null if none came within so many milliseconds or before `wake`. Blocks.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_take<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    timeout: jlong,
) -> JByteArray<'local> {
    let timeout = Duration::from_millis(version_of(timeout));
    bytes(env, |_| Ok(provider(pointer).messages.take(timeout).map(|message| message.encoded())))
}

/// The next event; null if none came within so many milliseconds or before `wake`. Blocks.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_takeEvent<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    timeout: jlong,
) -> JByteArray<'local> {
    let timeout = Duration::from_millis(version_of(timeout));
    bytes(env, |_| Ok(provider(pointer).events.take(timeout)))
}

/// Ends the waits of `take` and `takeEvent`, or the next ones.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_wake(_: EnvUnowned<'_>, _: JObject<'_>, pointer: jlong) {
    plain(|| {
        provider(pointer).messages.wake();
        provider(pointer).events.wake();
    });
}

/// A new subscription's number, or an error.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_subscribe<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
) -> JByteArray<'local> {
    bytes(env, |_| {
        let handle = provider(pointer);
        Ok(Some(match handle.books.subscribe(&handle.provider, &handle.messages) {
            Ok(number) => Writer::new(b'H').number(number).done(),
            Err(error) => encode::error(&error),
        }))
    })
}

/// Ends a subscription; a second call does nothing.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_unsubscribe(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    subscription: jlong,
) {
    plain(|| provider(pointer).books.unsubscribe(subscription));
}

/// Says what became of a re-authentication.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_acknowledge(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    subscription: jlong,
    version: jlong,
    accepted: jboolean,
) {
    plain(|| provider(pointer).books.acknowledge(subscription, version_of(version), accepted));
}

/// A new connection's number; 0 if the subscription has ended.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_opened(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    subscription: jlong,
    version: jlong,
) -> jlong {
    plain(|| provider(pointer).books.opened(subscription, version_of(version)))
}

/// The server took the token on this connection.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_authenticated(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    connection: jlong,
    version: jlong,
) {
    plain(|| provider(pointer).books.authenticated(connection, version_of(version)));
}

/// Something else came instead: a rejection or an error; null for a connection that is closed.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_refused<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    connection: jlong,
    version: jlong,
    message: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let message = text(env, &message)?;
        let refused = provider(pointer).books.refused(connection, version_of(version), &message);
        Ok(refused.map(|rejection| encode::rejection(&rejection)))
    })
}

/// Whether the connection is to be authenticated with the token of `version`.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_isBehind(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    connection: jlong,
    version: jlong,
) -> jboolean {
    plain(|| provider(pointer).books.is_behind(connection, version_of(version)))
}

/// The connection is closed.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_disconnected(
    _: EnvUnowned<'_>,
    _: JObject<'_>,
    pointer: jlong,
    connection: jlong,
) {
    plain(|| provider(pointer).books.closed(connection));
}

/// Asks for a new token soon.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_refresh<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
) -> JByteArray<'local> {
    bytes(env, |_| Ok(encode::outcome(provider(pointer).provider.refresh())))
}

/// A server refused the token of `version` with this message: a rejection, or an error.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_reportRejected<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    version: jlong,
    message: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let message = text(env, &message)?;
        let rejection = provider(pointer).provider.report_rejected(version_of(version), &message);
        Ok(Some(encode::rejection(&rejection)))
    })
}

/// The status.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_status<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
) -> JByteArray<'local> {
    bytes(env, |_| Ok(Some(status::encoded(&provider(pointer).provider.status()))))
}

/// Answers a request. `expires`: milliseconds since the Unix epoch, below 0 for what the token says itself. `username` may be null.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_complete<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    request: jlong,
    secret: JByteArray<'local>,
    expires: jlong,
    username: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        let Some(request) = provider(pointer).requests.take(request) else { return Ok(None) };
        let (secret, expires) = (text(env, &secret)?, u64::try_from(expires).ok());
        if username.is_null() {
            request.complete(secret, expires);
        } else {
            request.complete_as(text(env, &username)?.to_string(), secret, expires);
        }
        Ok(None)
    })
}

/// Fails a request with a reason.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_fail<'local>(
    env: EnvUnowned<'local>,
    _: JObject<'local>,
    pointer: jlong,
    request: jlong,
    message: JByteArray<'local>,
) -> JByteArray<'local> {
    bytes(env, |env| {
        if let Some(request) = provider(pointer).requests.take(request) {
            request.fail(&text(env, &message)?);
        }
        Ok(None)
    })
}

/// Closes the provider; a second call does nothing.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "system" fn Java_entrakey_Native_close(_: EnvUnowned<'_>, _: JObject<'_>, pointer: jlong) {
    plain(|| provider(pointer).close());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const RUST: &str = include_str!("natives.rs");
    const JAVA: &str = include_str!("../entrakey/src/main/java/entrakey/Native.java");
    const PREFIX: &str = "extern \"system\" fn Java_entrakey_Native_";

    fn name(text: &str) -> &str {
        text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default()
    }

    #[test]
    fn every_native_method_of_java_is_here_and_no_other() {
        let here: BTreeSet<_> =
            RUST.split(PREFIX).skip(1).map(name).filter(|name| !name.is_empty()).collect();
        // `private native byte[] valid(long pointer);`
        let declarations = JAVA.lines().filter_map(|line| line.split_once(" native ")?.1.split_once('('));
        let declared = declarations.filter_map(|(declared, _)| declared.split(' ').next_back());
        assert_eq!(declared.map(name).collect::<BTreeSet<_>>(), here);
    }

    #[test]
    fn none_of_them_lets_a_panic_out() {
        let bodies = RUST.split(PREFIX).skip(1).filter(|text| !name(text).is_empty());
        for body in bodies.filter(|text| name(text) != "interfaceNumber") {
            let body = body.split("\n}\n").next().unwrap_or_default();
            assert!(body.contains("    bytes(env, ") || body.contains("    plain(|| "), "{}", name(body));
        }
        assert_eq!(super::plain(|| -> i64 { std::panic::resume_unwind(Box::new("as a defect might")) }), 0);
    }
}
