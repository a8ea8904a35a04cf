//! Bearer tokens: who may use the API. What is kept is their hash.

use crate::access::Grant;
use crate::clock::Clock;
use crate::names::random_token;
use crate::store::{Entry, Store, TokenRow};
use std::time::Duration;
use zeroize::Zeroizing;

/// One that is to be made.
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub grant: Grant,
    /// For how long; for ever if not given.
    pub ttl: Option<Duration>,
    /// Who makes it.
    pub actor: String,
}

/// Makes one. It is said once.
///
/// # Errors
/// A sentence.
pub async fn create_token(store: &Store, wanted: NewToken) -> Result<Zeroizing<String>, String> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.@".contains(letter);
    if wanted.name.is_empty() || wanted.name.len() > 60 || !wanted.name.chars().all(is_plain) {
        let what =
            "a token's name has letters of English, digits, \"-\", \"_\", \".\" and \"@\" only, 60 at most";
        return Err(what.to_owned());
    }
    let token = random_token().map_err(|error| error.to_string())?;
    let now = Clock::system().now_ms();
    let ms = |ttl: Duration| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX);
    let row = TokenRow {
        name: wanted.name.clone(),
        grant: wanted.grant,
        created_ms: now,
        expires_ms: wanted.ttl.map(|ttl| now.saturating_add(ms(ttl))),
    };
    let roles: Vec<_> = row.grant.roles.iter().map(|role| role.name()).collect();
    let secrets: Vec<_> = row.grant.secrets.iter().map(String::as_str).collect();
    let detail = format!("token:{}: {} of {}", wanted.name, roles.join(", "), secrets.join(", "));
    let entry = Entry {
        at_ms: now,
        event: "token_created".to_owned(),
        actor: wanted.actor,
        detail: Some(detail),
        ..Entry::default()
    };
    store.add_token(&token, &row, &entry).await?;
    Ok(token)
}

/// Takes one back. Whether there was one.
///
/// # Errors
/// A sentence.
pub async fn remove_token(store: &Store, name: &str, actor: &str) -> Result<bool, String> {
    let entry = Entry {
        at_ms: Clock::system().now_ms(),
        event: "token_revoked".to_owned(),
        actor: actor.to_owned(),
        detail: Some(format!("token:{name}")),
        ..Entry::default()
    };
    store.remove_token(name, &entry).await
}

/// All of them: name, roles, secrets, and their end in milliseconds since 1970.
///
/// # Errors
/// A sentence.
pub async fn list_tokens(store: &Store) -> Result<Vec<(String, Grant, Option<i64>)>, String> {
    let rows = store.tokens().await?;
    Ok(rows.into_iter().map(|row| (row.name, row.grant, row.expires_ms)).collect())
}
