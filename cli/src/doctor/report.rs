//! What the doctor tells: for people, and as JSON (docs/doctor.md).

use super::finding::{Cause, Finding, Verdict};
use super::subject::Subject;
use crate::terminal::{BAD, FAINT, GOOD, WARNING, painted};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The version of the JSON document: it goes up when a field changes its meaning.
const SCHEMA: u32 = 1;

pub(crate) fn document(subject: &Subject, findings: &[Finding]) -> Value {
    let ids = &subject.ids;
    json!({
        "schema": SCHEMA,
        "target": {"host": subject.host, "port": subject.port, "family": subject.family.name()},
        "identity": {"object_id": ids.object_id, "client_id": ids.client_id, "tenant_id": ids.tenant_id},
        "verdict": Verdict::of_all(findings).name(),
        "steps": findings.iter().map(Finding::json).collect::<Vec<_>>(),
    })
}

/// Lines for a person.
pub(crate) fn text(subject: &Subject, findings: &[Finding]) -> String {
    let mut text = format!("{subject} ({})\n", subject.family.name());
    text.push_str(&lines(findings));
    let count = findings.iter().filter(|finding| finding.verdict == Verdict::Problem).count();
    let sum = match count {
        0 if Verdict::of_all(findings) == Verdict::Ok => "No problem was found.".to_owned(),
        0 => "No problem was found, but not everything could be seen.".to_owned(),
        1 => "1 problem was found.".to_owned(),
        _ => format!("{count} problems were found."),
    };
    line(&mut text, &sum);
    text
}

/// Each step with its evidence, its causes and its notes.
pub(crate) fn lines(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Ok => painted(GOOD, format_args!("{:<8}", "ok")),
            Verdict::Problem => painted(BAD, format_args!("{:<8}", "PROBLEM")),
            Verdict::NotDetermined => painted(WARNING, format_args!("{:<8}", "?")),
            Verdict::Skipped => painted(FAINT, format_args!("{:<8}", "-")),
        };
        let mut lines = finding.evidence.iter();
        let first = lines.next().map_or("", String::as_str);
        line(&mut text, &format!("{mark} {:<14} {first}", finding.step));
        lines.for_each(|evidence| line(&mut text, &format!("{INDENT}{evidence}")));
        if finding.is_one_of {
            line(&mut text, &format!("{INDENT}one of these, and nothing that could be seen tells which:"));
        }
        finding.causes.iter().for_each(|one| cause(&mut text, "", one));
        finding.notes.iter().for_each(|note| cause(&mut text, "note: ", note));
    }
    text
}

const INDENT: &str = "                        ";

fn line(text: &mut String, line: &str) {
    let _ = writeln!(text, "{}", line.trim_end()); // into a String: it cannot fail
}

fn cause(text: &mut String, prefix: &str, cause: &Cause) {
    line(text, &format!("{INDENT}{prefix}[{}] {}", cause.id, cause.text));
    cause.mend.iter().for_each(|command| line(text, &format!("{INDENT}  $ {command}")));
}
