//! A server's refusal of a token, explained.

use crate::convert::{Failure, version_of};
use crate::provider::Handle;
use entrakey_core::{Error, Rejection};
use napi::bindgen_prelude::{Either, External};
use napi_derive::napi;

/// What is to be made of a rejection.
#[napi(object, object_from_js = false)]
pub struct RejectionParts {
    /// The likely reason.
    pub reason: String,
    /// Who the token was for, and what to do.
    pub explanation: String,
}

/// Says that a server refused the token of `version`, and explains it.
#[napi(catch_unwind)]
pub fn report_rejected(
    handle: &External<Handle>,
    version: f64,
    message: String,
) -> Either<RejectionParts, Failure> {
    explained(handle.provider.report_rejected(version_of(version), &message))
}

pub(crate) fn explained(rejection: Result<Rejection, Error>) -> Either<RejectionParts, Failure> {
    match rejection {
        Ok(rejection) => Either::A(RejectionParts {
            reason: rejection.reason.name().to_owned(),
            explanation: rejection.explanation,
        }),
        Err(error) => Either::B(error.into()),
    }
}
