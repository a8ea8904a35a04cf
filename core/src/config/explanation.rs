//! What an identity asks with, and where each value came from: for the error when it is refused. A value is often
//! somebody else's, or a template's that nobody filled in, and only its origin says where to correct it.

use super::value::Value;
use super::values::Values;
use crate::error::{Error, ErrorKind};

/// Sentences to add to an error.
#[derive(Default)]
pub(crate) struct Explanation {
    of_refusal: String,
    of_absence: String,
    only_of_tenant: bool,
}

impl Explanation {
    /// Sentences for an error that says that what was asked for is refused. Empty ones are left out.
    pub(super) fn of_refusal(sentences: &[&str]) -> Self {
        let sentences = sentences.iter().copied().filter(|sentence| !sentence.is_empty());
        Self { of_refusal: sentences.collect::<Vec<_>>().join(" "), ..Self::default() }
    }

    /// With a sentence for an error that says that nobody is there to answer.
    pub(super) fn with_absence(self, of_absence: String) -> Self {
        Self { of_absence, ..self }
    }

    /// A tool fails for many reasons: the sentences are for errors about the tenant only.
    pub(super) fn only_of_tenant(self) -> Self {
        Self { only_of_tenant: true, ..self }
    }

    /// The error with what explains it.
    pub(crate) fn explain(&self, error: Error) -> Error {
        let is_of_tenant = || ["tenant", "AADSTS"].iter().any(|word| error.message().contains(word));
        match error.kind() {
            _ if self.only_of_tenant && !is_of_tenant() => error,
            ErrorKind::AuthRejected | ErrorKind::IdentityUnavailable | ErrorKind::InvalidConfig => {
                error.with_sentence(&self.of_refusal)
            }
            ErrorKind::Network | ErrorKind::Timeout | ErrorKind::BadResponse => {
                error.with_sentence(&self.of_absence)
            }
            _ => error,
        }
    }
}

/// The sentence that says what was asked with; empty if no value is there.
pub(super) fn asked_with<'a>(values: impl IntoIterator<Item = Value<'a>>) -> String {
    let labels: Vec<_> = values.into_iter().map(|value| value.label_with_text()).collect();
    if labels.is_empty() { String::new() } else { format!("Asked with {}.", labels.join(", ")) }
}

/// The sentence about Azure's variables that a secret store's entry keeps out; empty if it keeps none out.
pub(super) fn note_on_entry(values: &Values<'_>) -> String {
    match values.variables_kept_out().as_slice() {
        [] => String::new(),
        [one] => format!("{one} is set, and not read beside a secret store's entry."),
        several => format!("{} are set, and not read beside a secret store's entry.", several.join(", ")),
    }
}
