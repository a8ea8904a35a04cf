//! Numbers on the command line. The sentences are for people: those of the standard library are about digits in strings.

use std::num::NonZeroUsize;

pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "a port is a number from 0 to 65535".to_owned())
}

/// How many of something.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "a number from 0 on is needed".to_owned())
}

/// How many of something of which there is one at least.
pub(crate) fn count_from_one(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "a number from 1 on is needed".to_owned())
}

/// A group of this machine, by its number or its name.
pub(crate) fn gid(text: &str) -> Result<u32, String> {
    if let Ok(number) = text.parse() {
        return Ok(number);
    }
    match entrakey_core::group_number(text) {
        Ok(Some(number)) => Ok(number),
        Ok(None) => Err("there is no group of that name here: `getent group` lists them".to_owned()),
        Err(error) => Err(format!("the system cannot say which group that is: {error}")),
    }
}

/// A user of this machine.
pub(crate) fn uid(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "a user is given by number: `id -u NAME` says it".to_owned())
}
