//! One line to standard error for each thing that happens, if wanted. Callers pass no secrets.

use std::fmt;

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
            eprintln!("emulator: {what}");
        }
    }
}
