//! The configuration, and where each value came from.

use super::finding::{Cause, Finding, shown};
use crate::terminal::visible;
use entrakey_core::{ConfigReport, Error, MisspeltVariable, ReportedValue};
use std::path::Path;

pub(super) const STEP: &str = "configuration";

pub(super) fn diagnose(report: Result<&ConfigReport, &Error>, misspelt: &[MisspeltVariable]) -> Finding {
    match report {
        Err(error) => Finding::problem(STEP, [Cause::new("configuration", error.message())]),
        Ok(report) => {
            let identity = shown(&format!("asks the {}", report.identity));
            let evidence = report.values.iter().map(told).chain([identity]).collect();
            let misspelt = misspelt.iter().map(|one| Cause::new("misspelt_variable", one.to_string()));
            Finding { evidence, ..Finding::ok(STEP) }.noted(misspelt)
        }
    }
}

/// The path of something that is there is no token, however much it looks like one: names of mounted secrets have long numbers.
fn told(value: &ReportedValue) -> String {
    let is_there = |text: &str| text.starts_with('/') && Path::new(text).exists();
    match &value.text {
        Some(text) if is_there(text) => visible(&format!("{} {text} ({})", value.key, value.origin)),
        Some(text) => shown(&format!("{} {text} ({})", value.key, value.origin)),
        None => shown(&format!("{} ({})", value.key, value.origin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrakey_core::Config;

    #[test]
    fn a_path_that_is_there_is_told_and_what_looks_like_a_token_is_not() {
        let folder = format!("entrakey-5a95788d24a32d78-7c1f0e93b2d845a6-{}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        let told = || {
            let mut config = Config::new();
            config.set("ca_file", path.to_str().unwrap()).unwrap();
            diagnose(Ok(&config.report().unwrap()), &[]).evidence.concat()
        };
        assert!(told().contains("[token]"), "{}", told());
        std::fs::create_dir(&path).unwrap();
        let there = told();
        std::fs::remove_dir(&path).unwrap();
        assert!(there.contains(path.to_str().unwrap()), "{there}");
    }
}
