//! Settings that were written for an older library.

use napi_derive::napi;
use std::collections::HashMap;

/// One setting of an older library.
#[napi(object, object_to_js = false)]
pub struct InheritedSetting {
    /// Our key; empty for a limit on tries.
    pub key: String,
    /// The option's name in the older library, as its user wrote it.
    pub name: String,
    /// The value, in our key's unit.
    pub value: f64,
    /// The older library's default.
    pub default: f64,
}

/// What is made of an older library's settings.
#[napi(object, object_from_js = false)]
pub struct InheritedSettings {
    /// Values by key, as the core spells it.
    pub values: HashMap<String, String>,
    /// For the user, if something was changed.
    pub warning: Option<String>,
}

/// Takes an older library's settings over.
#[napi(catch_unwind)]
pub fn inherit(settings: Vec<InheritedSetting>) -> InheritedSettings {
    let settings: Vec<_> = settings
        .iter()
        .map(|InheritedSetting { key, name, value, default }| entrakey_core::InheritedSetting {
            key,
            name,
            value: *value,
            default: *default,
        })
        .collect();
    let inherited = entrakey_core::inherit(&settings);
    let values = inherited.values.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    InheritedSettings { values, warning: inherited.warning }
}
