//! The configuration, and where each value came from.

use super::finding::{Cause, Finding};
use entrakey_core::{ConfigReport, Error};

pub(super) const STEP: &str = "configuration";

pub(super) fn diagnose(report: Result<&ConfigReport, &Error>) -> Finding {
    match report {
        Err(error) => Finding::problem(STEP, [Cause::new("configuration", error.message())]),
        Ok(report) => {
            let values = report.values.iter().map(|value| match &value.text {
                Some(text) => format!("{} {text} ({})", value.key, value.origin),
                None => format!("{} ({})", value.key, value.origin),
            });
            let identity = format!("asks the {}", report.identity);
            Finding::ok(STEP).seen(values.chain([identity]))
        }
    }
}
