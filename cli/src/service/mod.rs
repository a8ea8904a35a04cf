//! What the services' commands have in common.

mod arguments;
mod file;
mod probes;
mod process;

pub(crate) use arguments::{AdminArguments, HttpArguments, OperationArguments};
pub(crate) use file::{ServiceFile, table};
pub(crate) use probes::serve_probes;
pub(crate) use process::{
    FLUSH, connections_that_fit, end, end_of_start, log, no_thread, tell_of_dumps, tell_of_given, tell_ready,
    tell_starting,
};
