//! What `entrakey exec` ends with: as `env`, `timeout` and `docker run` do.

/// It failed itself: nothing was run.
pub(crate) const FAILED: u8 = 125;
/// The command is there and cannot be run.
pub(super) const NOT_RUNNABLE: u8 = 126;
/// There is no such command.
pub(super) const NOT_FOUND: u8 = 127;
/// A signal that killed the command is added to it.
pub(super) const SIGNALLED: u8 = 128;

/// They, for `--help`.
pub(super) const TABLE: &str = "\
Exit codes:
  the command's own; 128 and the number of the signal that killed it
  125  entrakey itself failed, and the command was not run: usage, no identity, refused, network
  126  the command cannot be run
  127  there is no such command";
