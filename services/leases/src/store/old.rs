//! Forgets what is long over: nobody looks after the database.

use super::Store;
use super::database::Statement;

/// At a time: nobody waits long behind that.
const MOST: i64 = 500;
/// Among the rows of the audit trail that are of no lease.
const OF_NO_LEASE: &str =
    "SELECT number FROM audit WHERE lease IS NULL AND at_ms < $1 ORDER BY number LIMIT $2";
/// The oldest that are over and could not live any more, by the index of the list.
const OVER: &str = "SELECT id FROM leases WHERE created_ms < $1 AND max_expires_ms < $1 AND due_ms IS NULL \
                    ORDER BY created_ms, id LIMIT $2";

/// How much was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Leases.
    pub leases: usize,
    /// Rows of the audit trail.
    pub rows: usize,
}

impl Store {
    /// Forgets leases that had to be over before that time and are, with their rows of the audit trail, and the rows that
    /// are older and of no lease. One process does so at a time, and a part at a time.
    ///
    /// # Errors
    /// The database does not work: what was forgotten before stays so.
    pub async fn forget(&self, before_ms: i64) -> Result<Forgotten, String> {
        let _alone = self.database.hold("entrakey forget").await.map_err(|failed| failed.to_string())?;
        let mut all = Forgotten::default();
        loop {
            let values = || vec![before_ms.into(), MOST.into()];
            let delete = |sql: String| Statement::new(sql, values());
            // Their rows first: these are found by the leases.
            let batch = vec![
                delete(format!("DELETE FROM audit WHERE lease IN ({OVER}) RETURNING 1")),
                delete(format!("DELETE FROM leases WHERE id IN ({OVER}) RETURNING 1")),
                delete(format!("DELETE FROM audit WHERE number IN ({OF_NO_LEASE}) RETURNING 1")),
            ];
            let deleted: Vec<_> = self.run(batch).await?.iter().map(Vec::len).collect();
            let [rows, leases, others] = deleted[..] else { return Ok(all) };
            all.leases += leases;
            all.rows += rows + others;
            if leases == 0 && others == 0 {
                return Ok(all);
            }
        }
    }
}
