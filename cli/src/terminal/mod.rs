//! How a command speaks: results on standard output, everything else on standard error; colours and progress for people only.

mod colours;
mod output;
mod progress;

pub(crate) use colours::{BAD, FAINT, GOOD, WARNING, painted};
pub(crate) use output::{deliver, print, say, visible};
pub(crate) use progress::Progress;
