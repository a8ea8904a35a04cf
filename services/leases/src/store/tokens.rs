//! Who may come: bearer tokens, of which the hash is kept.

use super::database::{Failed, Statement, Value};
use super::rows::{integer, text};
use super::trail::audit;
use super::{Entry, Store};
use crate::access::{Caller, Grant};
use crate::names::hash;

/// A bearer token, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// Since when.
    pub created_ms: i64,
    /// Until when, if it ends.
    pub expires_ms: Option<i64>,
}

impl Store {
    /// Keeps a token's hash, and who made it.
    ///
    /// # Errors
    /// A sentence: one is called so already, or the database does not work.
    pub async fn add_token(&self, token: &str, row: &TokenRow, entry: &Entry) -> Result<(), String> {
        let sql = "INSERT INTO tokens (name, hash, secrets, roles, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5, $6)";
        let joined = |words: &mut dyn Iterator<Item = &str>| words.collect::<Vec<_>>().join(" ");
        let values = vec![
            row.name.as_str().into(),
            hash(token).as_str().into(),
            joined(&mut row.grant.secrets.iter().map(String::as_str)).as_str().into(),
            joined(&mut row.grant.roles.iter().map(|role| role.name())).as_str().into(),
            row.created_ms.into(),
            row.expires_ms.into(),
        ];
        match self.database.run(vec![Statement::new(sql, values).changes_one(), audit(entry)]).await {
            Ok(_) => Ok(()),
            Err(Failed::Duplicate) => {
                Err(format!("there is a token \"{}\": choose another name, or revoke that one", row.name))
            }
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// Takes a token back. Whether there was one.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn remove_token(&self, name: &str, entry: &Entry) -> Result<bool, String> {
        let remove = Statement::new("DELETE FROM tokens WHERE name = $1", vec![name.into()]).changes_one();
        match self.database.run(vec![remove, audit(entry)]).await {
            Ok(_) => Ok(true),
            Err(Failed::Unchanged(_)) => Ok(false),
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// All tokens, by name.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, String> {
        let sql = "SELECT name, secrets, roles, created_ms, expires_ms FROM tokens ORDER BY name";
        let rows = self.run(vec![Statement::new(sql, vec![])]).await?;
        Ok(rows.into_iter().flatten().filter_map(|row| read_token(&row)).collect())
    }

    /// Whose token it is, if it is anybody's and has not ended.
    ///
    /// # Errors
    /// The database does not work.
    pub async fn caller(&self, token: &str, now_ms: i64) -> Result<Option<Caller>, String> {
        self.caller_of_hash(&hash(token), now_ms).await
    }

    /// The same by the token's hash.
    pub(crate) async fn caller_of_hash(&self, token: &str, now_ms: i64) -> Result<Option<Caller>, String> {
        let sql = "SELECT name, secrets, roles, created_ms, expires_ms FROM tokens WHERE hash = $1";
        let rows = self.run(vec![Statement::new(sql, vec![token.into()])]).await?;
        let row = rows.first().and_then(|rows| rows.first()).and_then(|row| read_token(row));
        let row = row.filter(|row| row.expires_ms.is_none_or(|end| end > now_ms));
        Ok(row.map(|row| Caller { name: format!("token:{}", row.name), grants: vec![row.grant] }))
    }
}

fn read_token(row: &[Value]) -> Option<TokenRow> {
    let (number, word) = (|at: usize| row.get(at).and_then(integer), |at: usize| row.get(at).and_then(text));
    let secrets = word(1)?.split(' ').map(str::to_owned).collect();
    let roles = word(2)?.split(' ').filter_map(|role| role.parse().ok()).collect();
    let grant = Grant { secrets, roles };
    Some(TokenRow { name: word(0)?, grant, created_ms: number(3)?, expires_ms: number(4) })
}
