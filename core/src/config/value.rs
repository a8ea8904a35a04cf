//! The value of a key, and where it came from.

use super::keys::Key;
use super::quotes::note_on_quotes;
use std::fmt;

/// What can set a key; the greater wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    Default,
    File,
    /// Azure's own variable.
    AzureVariable,
    /// `ENTRAKEY_<KEY>`.
    OurVariable,
    Code,
}

/// A longer text is not shown.
const MAX_SHOWN: usize = 200;

/// A value, and what set it.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) key: &'static Key,
    pub(super) origin: Origin,
    /// The variable that holds it, if that is none of the key's own.
    pub(super) foreign_variable: Option<&'static str>,
    /// For a value of the configuration file: the file, and what the file calls it. For one of code's: what that is called.
    pub(super) place: &'a str,
}

impl Value<'_> {
    /// Whether somebody set it: it is not the default.
    pub(super) fn is_set(&self) -> bool {
        self.origin != Origin::Default
    }

    /// The variable that holds it, if one does.
    fn variable(&self) -> Option<String> {
        match self.origin {
            _ if self.foreign_variable.is_some() => self.foreign_variable.map(str::to_owned),
            Origin::OurVariable => Some(self.key.variable()),
            Origin::AzureVariable => Some(self.key.azure_variable.to_owned()),
            Origin::Code | Origin::File | Origin::Default => None,
        }
    }

    /// As an error names it: the key, and where the value came from.
    pub(super) fn label(&self) -> String {
        format!("{} ({self})", self.key.name)
    }

    /// The text of the value, if it looks like an id, a number, a name or a path: a secret under the wrong key does not.
    pub(super) fn presentable_text(&self) -> Option<&str> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
        let is_shown =
            !self.key.kind.is_secret() && self.text.len() <= MAX_SHOWN && self.text.chars().all(fits);
        is_shown.then_some(self.text)
    }

    /// The label with the text of the value, if the text may be shown.
    pub(super) fn label_with_text(&self) -> String {
        match self.presentable_text() {
            None => self.label(),
            Some(text) => format!("{} {text} ({self})", self.key.name),
        }
    }
}

/// Where the value came from.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.variable(), self.origin) {
            (Some(variable), _) => write!(f, "environment variable {variable}")?,
            (None, Origin::Default) => f.write_str("the default")?,
            (None, _) => f.write_str(self.place)?,
        }
        // In a value that is not secret, quotes are refused.
        f.write_str(if self.key.kind.is_secret() { note_on_quotes(self.text) } else { "" })?;
        f.write_str(if is_template(self.text) { ", a template's text that nothing was put into" } else { "" })
    }
}

/// `$(System.AccessToken)`, `${CLIENT_ID}`, `{{ .Values.clientId }}`, `<client id>`: as pipelines, shells, charts and
/// readmes have them.
fn is_template(text: &str) -> bool {
    let pairs = [("$(", ")"), ("${", "}"), ("{{", "}}"), ("<", ">"), ("#{", "}#")];
    pairs.iter().any(|(open, close)| text.starts_with(open) && text.ends_with(close))
}
