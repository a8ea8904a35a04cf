//! A token, an error, a rejection, as the bytes that Java reads.

use crate::wire::Writer;
use entrakey_core::{Error, Rejection, Token};
use std::sync::Arc;

/// What a provider answers to a request for a token.
pub(crate) type Answer = Result<Arc<Token>, Error>;

/// What a token's bytes are beside its texts.
const TOKEN_NUMBERS: usize = 1 + 2 * 4 + 3 * 8;

pub(crate) fn token(token: &Token) -> Vec<u8> {
    let room = TOKEN_NUMBERS + token.username().len() + token.secret().len();
    Writer::with_room(b'T', room)
        .text(token.username())
        .text(token.secret())
        .count(token.version())
        .count(token.expires_unix_ms())
        .count(token.refresh_unix_ms())
        .done()
}

pub(crate) fn error(error: &Error) -> Vec<u8> {
    Writer::new(b'E')
        .number(error.kind().number().into())
        .text(&error.to_string())
        .flag(error.is_retriable())
        .optional_count(error.aadsts().map(u64::from))
        .optional_text(error.correlation_id())
        .optional_count(error.http_status().map(u64::from))
        .done()
}

pub(crate) fn answer(answer: &Answer) -> Vec<u8> {
    answer.as_ref().map_or_else(error, |found| token(found))
}

pub(crate) fn rejection(rejection: &Result<Rejection, Error>) -> Vec<u8> {
    match rejection {
        Ok(rejection) => Writer::new(b'R').text(rejection.reason.name()).text(&rejection.explanation).done(),
        Err(failure) => error(failure),
    }
}

/// Nothing for success.
pub(crate) fn outcome(outcome: Result<(), Error>) -> Option<Vec<u8>> {
    outcome.err().map(|failure| error(&failure))
}
