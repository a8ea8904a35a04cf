//! The host is asked for a token or an assertion, as JavaScript sees it.

use entrakey_core::CredentialRequest;
use napi::Result;
use napi::bindgen_prelude::{External, FnArgs, Function};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use std::sync::{Mutex, PoisonError};

/// Answered once; a second answer does nothing.
pub struct Pending(Mutex<Option<CredentialRequest>>);

impl Pending {
    fn take(&self) -> Option<CredentialRequest> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The arguments of a function that asks the host: the request and its scope.
pub(crate) type Question = FnArgs<(External<Pending>, Option<String>)>;

/// A callback for core that calls `ask(request, scope)`; no scope if it is an assertion that is wanted. Holds
/// nothing alive. A request that cannot be handed over because the environment is going away fails by being dropped.
pub(crate) fn supplier(
    ask: &Function<'_, Question, ()>,
) -> Result<impl Fn(CredentialRequest) + Send + Sync + 'static> {
    let ask = ask
        .build_threadsafe_function::<(CredentialRequest, Option<String>)>()
        .weak::<true>()
        .callee_handled::<false>()
        .build_callback(|context| {
            let (request, scope) = context.value;
            Ok(Question::from((External::new(Pending(Mutex::new(Some(request)))), scope)))
        })?;
    Ok(move |request: CredentialRequest| {
        let scope = request.scope().map(str::to_owned);
        ask.call((request, scope), ThreadsafeFunctionCallMode::NonBlocking);
    })
}

/// Hands the token or the assertion over. `expires_unix_ms`: when it expires; if not given, what it says itself.
/// `username`: whose it is, for a token that does not say it.
#[napi(catch_unwind)]
pub fn complete_request(
    request: &External<Pending>,
    secret: String,
    expires_unix_ms: Option<f64>,
    username: Option<String>,
) {
    let Some(request) = request.take() else { return };
    let expires_unix_ms = expires_unix_ms.map(|ms| ms as u64);
    match username {
        Some(username) => request.complete_as(username, secret.into(), expires_unix_ms),
        None => request.complete(secret.into(), expires_unix_ms),
    }
}

/// Fails the request with a reason.
#[napi(catch_unwind)]
pub fn fail_request(request: &External<Pending>, message: String) {
    if let Some(request) = request.take() {
        request.fail(&message);
    }
}
