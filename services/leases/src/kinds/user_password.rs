//! Another password for a user, and yet another one afterwards. One lease of a user at a time.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use super::{Made, Operations, Removal, get};
use crate::api::types::Credential;
use crate::azure::Service::Graph;
use crate::azure::{Answer, Call};
use crate::lease::Lease;
use crate::names::random_password;
use crate::trouble::{Asked, Trouble};
use zeroize::Zeroizing;

fn path(user: &str) -> String {
    format!("/v1.0/users/{user}")
}

async fn set(of: &Operations, user: &str, password: &str) -> Result<Answer, Trouble> {
    // By hand: a JSON value would keep a copy of the password that nobody wipes. It has no letters that need escaping.
    let body =
        format!(r#"{{"passwordProfile":{{"forceChangePasswordNextSignIn":false,"password":"{password}"}}}}"#);
    let body = Some(Zeroizing::new(body.into_bytes()));
    of.done(Asked::User, Call { service: Graph, method: "PATCH", path: path(user), body }).await
}

fn new_password() -> Result<Zeroizing<String>, Trouble> {
    random_password().map_err(|error| Trouble::new("internal", format!("{error}.")))
}

pub(super) async fn create(of: &Operations, lease: &Lease) -> Result<Made, Trouble> {
    let password = new_password()?;
    let answer = set(of, &lease.target, &password).await?;
    let credential = Credential::User { user: lease.target.clone(), password };
    Ok(Made { key_id: None, credential, request_id: answer.request_id })
}

pub(super) async fn remove(of: &Operations, lease: &Lease) -> Result<Removal, Trouble> {
    match set(of, &lease.target, &new_password()?).await {
        Ok(answer) => Ok(Removal::Gone(answer.request_id)),
        Err(trouble) if trouble.is_not_found => match look(of, &lease.target).await {
            Err(trouble) if trouble.is_not_found => Ok(Removal::NotFound),
            Err(trouble) => Err(trouble),
            Ok(()) => Ok(Removal::Pending(
                "Microsoft Graph says that there is no such user, and shows it".to_owned(),
            )),
        },
        Err(trouble) => Err(trouble),
    }
}

/// Whether the user is there.
pub(super) async fn look(of: &Operations, user: &str) -> Result<(), Trouble> {
    let call = get(Graph, format!("{}?$select=id", path(user)));
    of.done(Asked::Users, call).await.map(drop)
}
