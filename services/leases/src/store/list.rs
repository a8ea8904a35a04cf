//! Leases page by page.

use super::Store;
use super::conditions::Conditions;
use super::database::Statement;
use super::rows::{COLUMNS, read_lease};
use crate::lease::Lease;
use std::collections::BTreeSet;

/// Which leases. All that are given must fit.
#[derive(Clone, Debug, Default)]
pub struct LeaseFilter {
    /// Of one of these secrets, or the holder's own.
    pub visible: Option<(BTreeSet<String>, String)>,
    /// Of that secret.
    pub secret: Option<String>,
    /// In that state; `living` for all that are not over.
    pub state: Option<String>,
    /// After that one in the list, by its time and its id.
    pub after: Option<(i64, String)>,
}

impl Store {
    /// Leases, the newest first.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn leases(&self, filter: &LeaseFilter, most: i64) -> Result<Vec<Lease>, String> {
        let mut conditions = Conditions::default();
        if let Some((secrets, holder)) = &filter.visible {
            let listed: Vec<_> = secrets.iter().map(|name| conditions.value(name.as_str().into())).collect();
            let own = conditions.value(holder.as_str().into());
            conditions.add(match listed.is_empty() {
                true => format!("holder = {own}"),
                false => format!("(holder = {own} OR secret IN ({}))", listed.join(", ")),
            });
        }
        conditions.equals("secret", filter.secret.as_deref());
        match filter.state.as_deref() {
            Some("living") => conditions.add("due_ms IS NOT NULL".to_owned()),
            state => conditions.equals("state", state),
        }
        if let Some((created, id)) = &filter.after {
            let (created, id) = (conditions.value((*created).into()), conditions.value(id.as_str().into()));
            conditions.add(format!("(created_ms < {created} OR (created_ms = {created} AND id < {id}))"));
        }
        let (clause, values) = conditions.ended(most, "created_ms DESC, id DESC");
        let rows =
            self.run(vec![Statement::new(format!("SELECT {COLUMNS} FROM leases{clause}"), values)]).await?;
        // One that cannot be read keeps nobody from the others: whoever claims it says so.
        Ok(rows.iter().flatten().filter_map(|row| read_lease(row)).collect())
    }
}
