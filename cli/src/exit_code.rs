//! What the process ends with: the same for every command, but for `exec`, which ends as its command does.

use entrakey_core::ErrorKind;
use entrakey_emulator::Cause;

/// It is as it should be.
pub(crate) const OK: u8 = 0;
/// A problem was found.
pub(crate) const PROBLEM: u8 = 1;
/// What was asked for makes no sense.
pub(crate) const USAGE: u8 = 2;
/// There is no identity here.
pub(crate) const NO_IDENTITY: u8 = 3;
/// Entra or a server refused it.
pub(crate) const REFUSED: u8 = 4;
/// Somebody could not be reached.
pub(crate) const NETWORK: u8 = 5;

/// They, for `--help`.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  it is as it should be
  1  a problem was found
  2  usage: what was asked for makes no sense
  3  no identity was found
  4  Entra or the server refused it
  5  network: somebody could not be reached";

/// Of a command that only looks, and for which whatever goes wrong is a finding.
pub(crate) const TABLE_OF_FINDINGS: &str = "\
Exit codes:
  0  no problem was found
  1  a problem was found
  2  usage: what was asked for makes no sense";

/// The exit code of an error of the library's.
pub(crate) fn of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::InvalidArgument | ErrorKind::InvalidConfig => USAGE,
        ErrorKind::IdentityUnavailable => NO_IDENTITY,
        ErrorKind::AuthRejected | ErrorKind::UsernameUnavailable => REFUSED,
        ErrorKind::Throttled | ErrorKind::Network | ErrorKind::Timeout | ErrorKind::BadResponse => NETWORK,
        _ => PROBLEM,
    }
}

/// The exit code of an error of the emulator's.
pub(crate) fn of_cause(cause: Cause) -> u8 {
    match cause {
        Cause::Request => USAGE,
        Cause::Machine => PROBLEM,
        Cause::Network => NETWORK,
    }
}
