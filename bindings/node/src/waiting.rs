//! Waiting for a token off the JavaScript thread.
//!
//! The core waits, without a thread. libuv's pool would not do: it has four threads, which file system and
//! DNS share, and both `process.exit()` and `worker.terminate()` wait for them. An outage must not stop any
//! of those.

use crate::convert::{Failure, TokenParts};
use entrakey_core::{GetToken, Provider};
use napi::bindgen_prelude::{Either, Object};
use napi::{Env, Result};

/// A promise for the answer. It is always resolved: a failure is an answer too.
pub(crate) fn start<'env>(env: &'env Env, provider: &Provider, how: GetToken) -> Result<Object<'env>> {
    let (deferred, promise) = env.create_deferred()?;
    provider.get_token_then(how, move |answer| {
        deferred.resolve(move |_| {
            Ok(match answer {
                Ok(token) => Either::A(TokenParts::from(token.as_ref())),
                Err(error) => Either::B(Failure::from(error)),
            })
        });
    });
    Ok(promise)
}
