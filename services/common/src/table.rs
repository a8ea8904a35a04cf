//! Tables of a configuration file, from which each reader takes what is its own.

use entrakey_core::ServiceValue;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Names and their values.
pub type Table = BTreeMap<String, ServiceValue>;

/// `max-ttl` may be written `max_ttl`.
fn take(table: &mut Table, name: &str) -> Option<ServiceValue> {
    table.remove(name).or_else(|| table.remove(&name.replace('-', "_")))
}

/// A text, gone from the table.
///
/// # Errors
/// It is something else: a sentence without a full stop.
pub fn take_text(table: &mut Table, name: &str) -> Result<Option<Zeroizing<String>>, String> {
    match take(table, name) {
        None => Ok(None),
        Some(ServiceValue::Text(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be a text")),
    }
}

/// A list of texts, or one text alone, gone from the table.
///
/// # Errors
/// It is something else: a sentence without a full stop.
pub fn take_list(table: &mut Table, name: &str) -> Result<Option<Vec<String>>, String> {
    let text = |value: ServiceValue| match value {
        ServiceValue::Text(text) => Some(text.to_string()),
        _ => None,
    };
    let list = match take(table, name) {
        None => return Ok(None),
        Some(ServiceValue::List(items)) => items.into_iter().map(text).collect::<Option<Vec<_>>>(),
        Some(one) => text(one).map(|one| vec![one]),
    };
    list.map(Some).ok_or_else(|| format!("{name} must be a list of texts"))
}

/// A table in the table, gone from it; empty if it is not there.
///
/// # Errors
/// It is something else: a sentence without a full stop.
pub fn take_table(table: &mut Table, name: &str) -> Result<Table, String> {
    match take(table, name) {
        None => Ok(Table::new()),
        Some(ServiceValue::Table(inner)) => Ok(inner),
        Some(_) => Err(format!("{name} must be a table")),
    }
}

/// A number, gone from the table.
///
/// # Errors
/// It is something else: a sentence without a full stop.
pub fn take_number(table: &mut Table, name: &str) -> Result<Option<u32>, String> {
    let text = take_text(table, name)?;
    text.map(|text| text.parse()).transpose().map_err(|_| format!("{name} must be a number"))
}

/// Whether nothing is left that nobody has asked for. `known` says what there could be: "path and mode are".
///
/// # Errors
/// Something is: a sentence without a full stop.
pub fn used_up(table: &Table, known: &str) -> Result<(), String> {
    match table.keys().next() {
        None => Ok(()),
        Some(name) => {
            let name: String = name.chars().take(40).collect();
            Err(format!("{name:?} is no setting there: {known}"))
        }
    }
}
