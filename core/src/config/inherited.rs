//! The settings of an older library, for whoever comes from one and changes an import only.
//!
//! Those libraries come with time-outs and retries that end the renewal of tokens in an outage of milliseconds. So a value
//! below our own default is raised to the default. No value is refused: the user did not choose our keys.

use super::find_key::find_key;
use super::key_type::KeyType;
use std::collections::BTreeMap;

/// One setting of an older library.
#[derive(Clone, Copy, Debug)]
pub struct InheritedSetting<'a> {
    /// Our key that means the same; empty for a limit on tries, as there is no such key.
    pub key: &'a str,
    /// The name that the user wrote: `retry.maxDelayMs`.
    pub name: &'a str,
    /// The value, in our key's unit.
    pub value: f64,
    /// The library's own default: a value that nobody chose is not taken over.
    pub default: f64,
}

/// What the settings of an older library become.
#[derive(Clone, Debug, Default)]
pub struct InheritedSettings {
    /// Values for [`crate::Config::set`], which accepts them together.
    pub values: BTreeMap<&'static str, String>,
    /// One sentence for one warning: which values were raised, in the names that the user wrote. None if none was.
    pub warning: Option<String>,
}

/// Takes over the settings of an older library. A default of ours that is too small beside them is raised too.
#[must_use]
pub fn inherit(settings: &[InheritedSetting<'_>]) -> InheritedSettings {
    let mut values = BTreeMap::new();
    let mut changes = Vec::new();
    let chosen = settings.iter().filter(|setting| setting.value != setting.default);
    for InheritedSetting { key, name, value, .. } in chosen {
        if key.is_empty() {
            changes.push(format!(
                "{name} {value} is left out, since failed requests are tried again without limit"
            ));
        } else if let Some((key, taken)) = taken(key, *value) {
            if taken != *value {
                changes.push(format!("{name} is {taken} instead of {value}"));
            }
            values.insert(key, taken);
        }
    }
    // What the rules between keys demand: see `settings::policy`.
    raise(&mut values, "refresh_lower_bound_ms", &["reauth_margin_ms", "request_timeout_ms"]);
    raise(&mut values, "retry_max_ms", &["retry_initial_ms"]);
    let list = changes.join(", ");
    let warning =
        format!("Settings that would end the renewal of tokens in a short outage are changed: {list}.");
    InheritedSettings {
        values: values.into_iter().map(|(key, value)| (key, value.to_string())).collect(),
        warning: (!changes.is_empty()).then_some(warning),
    }
}

/// Our key and its value for a setting of theirs. A share is not raised: one that makes no sense becomes our default.
fn taken(key: &str, value: f64) -> Option<(&'static str, f64)> {
    let key = find_key(key).ok()?;
    let least = default_of(key.name);
    match key.kind {
        KeyType::Fraction if value > 0.0 && value <= 1.0 => Some((key.name, value)),
        KeyType::Fraction => Some((key.name, least)),
        KeyType::Milliseconds(_) => Some((key.name, value.ceil().max(least).min(LONGEST_MS))),
        _ => None,
    }
}

/// A day: no token lives longer, and a key's milliseconds have 32 bits.
const LONGEST_MS: f64 = 86_400_000.0;

/// Raises a key's value to at least the sum of the other keys' values, as our defaults are.
fn raise(values: &mut BTreeMap<&'static str, f64>, key: &'static str, others: &[&'static str]) {
    let value_of = |key: &str| values.get(key).copied().unwrap_or_else(|| default_of(key));
    let (value, least) = (value_of(key), others.iter().map(|other| value_of(other)).sum());
    if value < least {
        values.insert(key, least);
    }
}

fn default_of(key: &str) -> f64 {
    find_key(key).ok().and_then(|key| key.default.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Environment, Settings};

    fn inherited(settings: &[(&str, &str, f64)]) -> InheritedSettings {
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, name, value)| InheritedSetting { key, name, value: *value, default: 7.0 })
            .collect();
        inherit(&settings)
    }

    #[test]
    fn what_is_below_ours_is_raised_with_one_warning_in_its_users_words() {
        let taken = inherited(&[
            ("request_timeout_ms", "token_request_execution_timeout_in_ms", 100.0),
            ("retry_initial_ms", "retry.initialDelayMs", 0.5),
            ("retry_max_ms", "retry.maxDelayMs", 200.0),
            ("refresh_ratio", "expirationRefreshRatio", 0.8),
            ("", "max_attempts", 3.0),
        ]);
        assert_eq!(
            taken.warning.unwrap(),
            "Settings that would end the renewal of tokens in a short outage are changed: \
             token_request_execution_timeout_in_ms is 10000 instead of 100, retry.initialDelayMs is 500 instead of 0.5, \
             retry.maxDelayMs is 30000 instead of 200, max_attempts 3 is left out, since failed requests are tried again \
             without limit."
        );
        let values: Vec<_> = taken.values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let expected = [
            ("refresh_ratio", "0.8"),
            ("request_timeout_ms", "10000"),
            ("retry_initial_ms", "500"),
            ("retry_max_ms", "30000"),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_is_above_ours_is_taken_as_it_is() {
        let taken = inherited(&[("retry_initial_ms", "a", 2000.0), ("request_timeout_ms", "b", 12_000.5)]);
        assert_eq!((taken.values["retry_initial_ms"].as_str(), taken.warning.is_some()), ("2000", true));
        assert_eq!(taken.values["request_timeout_ms"], "12001");
        assert!(inherited(&[("retry_initial_ms", "a", 2000.0)]).warning.is_none());
        let nobodys = inherited(&[("retry_initial_ms", "a", 7.0), ("", "b", 7.0)]);
        assert!(nobodys.values.is_empty() && nobodys.warning.is_none(), "{nobodys:?}");
    }

    #[test]
    fn nothing_that_is_inherited_is_refused() {
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 0.3, 1.0, 8.0, 1e5, 1e7, 1e300];
        let keys = [
            "refresh_ratio",
            "refresh_lower_bound_ms",
            "request_timeout_ms",
            "retry_initial_ms",
            "retry_max_ms",
        ];
        for value in values {
            for key in keys {
                for others in [vec![], keys.to_vec()] {
                    let settings: Vec<_> = others.iter().map(|other| (*other, *other, value)).collect();
                    let taken = inherited(&[settings, vec![(key, key, value)]].concat());
                    let mut config = Config::new();
                    config.set("identity", "managed_identity").unwrap();
                    for (key, value) in &taken.values {
                        config.set(key, value).unwrap_or_else(|error| panic!("{error}"));
                    }
                    let resolved = Settings::resolve(&config, Environment::of([]));
                    assert!(resolved.is_ok(), "{key} {value}: {:?}", resolved.err());
                }
            }
        }
    }
}
