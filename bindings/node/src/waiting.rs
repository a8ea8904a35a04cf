//! Waiting for a token off the JavaScript thread.
//!
//! On a thread of its own, not in libuv's pool: that has four threads, which file system and DNS share, and
//! both `process.exit()` and `worker.terminate()` wait for them. An outage must not stop any of those.
//! JavaScript shares one wait among its callers, so such threads are few.

use crate::convert::{Failure, TokenParts};
use entrakey_core::{GetToken, Provider};
use napi::bindgen_prelude::{Either, Object};
use napi::{Env, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

type Answer = Either<TokenParts, Failure>;

/// A promise for the answer. It is always resolved: a failure is an answer too.
pub(crate) fn start<'env>(env: &'env Env, provider: Provider, how: GetToken) -> Result<Object<'env>> {
    let (deferred, promise) = env.create_deferred()?;
    let without_thread = deferred.clone();
    let work = move || {
        let answer = answer(&provider, how);
        drop(provider); // first: what runs next may count on JavaScript's being the last
        deferred.resolve(settle(answer));
    };
    if thread::Builder::new().name("entrakey-wait".to_owned()).spawn(work).is_err() {
        // An unsettled promise would hold the process for ever.
        without_thread.resolve(settle(Either::B(Failure::internal(
            "The system has no thread left to wait for a token on: raise the limit of threads.",
        ))));
    }
    Ok(promise)
}

fn settle(answer: Answer) -> impl FnOnce(Env) -> Result<Answer> {
    move |_| Ok(answer)
}

fn answer(provider: &Provider, how: GetToken) -> Answer {
    // Left to unwind, a panic would leave the promise pending and the process waiting for it.
    match catch_unwind(AssertUnwindSafe(|| provider.get_token_with(how))) {
        Ok(Ok(token)) => Either::A(TokenParts::from(token.as_ref())),
        Ok(Err(error)) => Either::B(error.into()),
        Err(_) => Either::B(Failure::internal(
            "A defect in entrakey stopped the wait for a token: please report it.",
        )),
    }
}
