//! One line for each thing that a person watching the emulator wants to know. Never a token, never a secret.

use crate::random::is_uuid;
use std::sync::Arc;

/// Takes one line, without a line end. It is called on the emulator's own tasks, so it must return soon.
pub type NoteSink = Arc<dyn Fn(&str) + Send + Sync>;

/// Where the lines go, if anywhere.
#[derive(Clone)]
pub(crate) struct Notes(Option<NoteSink>);

impl Notes {
    pub(crate) fn new(sink: Option<NoteSink>) -> Self {
        Self(sink)
    }

    pub(crate) fn note(&self, line: &str) {
        if let Some(sink) = &self.0 {
            sink(line);
        }
    }
}

/// How to name in a note who says to be whom. People swap arguments: anything but an id may be a secret.
pub(crate) fn shown_id(text: &str) -> &str {
    if is_uuid(text) { text } else { "(not an id)" }
}
