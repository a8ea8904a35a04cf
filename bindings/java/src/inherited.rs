//! Settings that were written for an older library.

use crate::wire::{Reader, Writer};
use entrakey_core::{InheritedSetting, inherit};

/// Takes over the settings that `bytes` hold: our key, the name that the user wrote, the value and the older library's default of
/// each. Gives a warning, if something was changed, and our keys with their values.
pub(crate) fn inherited(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(bytes);
    let mut settings = Vec::new();
    while !reader.is_at_end() {
        let (key, name) = (reader.text()?, reader.text()?);
        settings.push(InheritedSetting { key, name, value: reader.double()?, default: reader.double()? });
    }
    let inherited = inherit(&settings);
    let written = Writer::new(b'I').optional_text(inherited.warning.as_deref());
    let written = written.number(inherited.values.len() as i64);
    Some(inherited.values.iter().fold(written, |written, (key, value)| written.text(key).text(value)).done())
}
