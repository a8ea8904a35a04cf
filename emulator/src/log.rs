//! One line to standard error for each thing that happens, if wanted. Callers pass no secrets.

use std::fmt;
use std::io::Write as _;

#[derive(Debug)]
pub(crate) struct Log {
    verbose: bool,
}

impl Log {
    pub(crate) fn new(verbose: bool) -> Self {
        Self { verbose }
    }

    pub(crate) fn note(&self, what: fmt::Arguments<'_>) {
        if self.verbose {
            // Unlike eprintln!, which panics, it goes on when nobody reads any more.
            let _ = writeln!(std::io::stderr(), "emulator: {what}");
        }
    }
}
