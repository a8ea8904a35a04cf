//! Waiting for a token off the JavaScript thread.
//!
//! The core waits, without a thread. libuv's pool would not do: it has four threads, which file system and
//! DNS share, and both `process.exit()` and `worker.terminate()` wait for them. An outage must not stop any
//! of those.

use crate::convert::{Failure, TokenParts};
use entrakey_core::{GetToken, Provider};
use napi::Result;
use napi::bindgen_prelude::{Either, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;

/// What is called with the answer. A failure is an answer too.
pub(crate) type Answered<'a> = Function<'a, Either<TokenParts, Failure>, ()>;

/// Calls `answered` on its own thread once the core has an answer; never during this call.
pub(crate) fn start(provider: &Provider, how: GetToken, answered: &Answered<'_>) -> Result<()> {
    type Answer = Either<TokenParts, Failure>;
    let done =
        answered.build_threadsafe_function::<Answer>().weak::<true>().callee_handled::<false>().build()?;
    provider.get_token_then(how, move |answer| {
        let answer =
            answer.map_or_else(|error| Either::B(error.into()), |token| Either::A(token.as_ref().into()));
        // The call fails only if the environment is going away, and the waiting JavaScript with it.
        done.call(answer, ThreadsafeFunctionCallMode::NonBlocking);
    });
    Ok(())
}
