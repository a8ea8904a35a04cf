//! A token that somebody else keeps fresh.

use crate::config::explanation::Explanation;
use crate::config::keys::TOKEN_FILE_PATH;
use crate::config::values::Values;
use crate::error::Result;
use std::path::PathBuf;
use std::sync::Arc;

/// Its file, and what an error about it adds.
pub(crate) struct TokenFile {
    pub(crate) path: PathBuf,
    pub(crate) explanation: Arc<Explanation>,
}

impl TokenFile {
    pub(super) fn resolve(values: &Values<'_>) -> Result<Self> {
        let path = values.required(TOKEN_FILE_PATH, "identity token_file reads it")?;
        let sentence = format!("The file is named by {}.", path.label());
        Ok(Self {
            path: PathBuf::from(path.text),
            explanation: Arc::new(Explanation::of_refusal(&[&sentence])),
        })
    }
}
