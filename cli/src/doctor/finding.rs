//! What a step has found.

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
        Self { id, text: text.into(), mend: Vec::new() }
    }

    pub(crate) fn mended_by(self, mend: impl IntoIterator<Item = String>) -> Self {
        Self { mend: mend.into_iter().collect(), ..self }
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
    /// Of a problem: what causes it. Where there are several, it is one of them, and nothing that could be seen tells which.
    pub(crate) causes: Vec<Cause>,
    /// What is no problem by itself, and may be one for the program.
    pub(crate) notes: Vec<Cause>,
}

impl Finding {
    fn new(step: &'static str, verdict: Verdict) -> Self {
        Self { step, verdict, evidence: Vec::new(), causes: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn ok(step: &'static str) -> Self {
        Self::new(step, Verdict::Ok)
    }

    pub(crate) fn problem(step: &'static str, causes: impl IntoIterator<Item = Cause>) -> Self {
        Self { causes: causes.into_iter().collect(), ..Self::new(step, Verdict::Problem) }
    }

    pub(crate) fn undetermined(step: &'static str, why: impl Into<String>) -> Self {
        Self::new(step, Verdict::NotDetermined).seen([why.into()])
    }

    pub(crate) fn skipped(step: &'static str, why: impl Into<String>) -> Self {
        Self::new(step, Verdict::Skipped).seen([why.into()])
    }

    /// With more evidence.
    pub(crate) fn seen(mut self, evidence: impl IntoIterator<Item = String>) -> Self {
        self.evidence.extend(evidence);
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
            "notes": list(&self.notes),
        })
    }
}
