//! Another password for a user, and yet another one afterwards. One lease of a user at a time.
//!
//! <https://learn.microsoft.com/graph/api/user-update>

use super::{Made, Operations, Removal, get, parsed};
use crate::api::types::Credential;
use crate::azure::Service::Graph;
use crate::azure::{Answer, Call};
use crate::lease::Lease;
use crate::names::random_password;
use crate::plan::is_path_part;
use crate::trouble::{Asked, Trouble};
use serde_json::Value;
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
    let user = lease.user_name.clone().unwrap_or_else(|| lease.target.clone());
    let credential = Credential::User { user, object_id: lease.target.clone(), password };
    Ok(Made { key_id: None, credential, request_id: answer.request_id })
}

pub(super) async fn remove(of: &Operations, lease: &Lease) -> Result<Removal, Trouble> {
    match set(of, &lease.target, &new_password()?).await {
        Ok(answer) => Ok(Removal::Gone(answer.request_id)),
        Err(trouble) if trouble.is_not_found => match look(of, &lease.target).await {
            Err(trouble) if trouble.is_not_found => Ok(Removal::NotFound),
            Err(trouble) => Err(trouble),
            Ok(_) => Ok(Removal::Pending(
                "Microsoft Graph says that there is no such user, and shows it".to_owned(),
            )),
        },
        Err(trouble) => Err(trouble),
    }
}

/// What Graph knows of the user, if it is there.
pub(super) async fn look(of: &Operations, user: &str) -> Result<Value, Trouble> {
    let call = get(Graph, format!("{}?$select=id,userPrincipalName", path(user)));
    of.done(Asked::Users, call).await.map(|answer| parsed(&answer))
}

/// A user that is renamed while it has a lease would not be found by its old name, and keep the password.
pub(super) async fn settle(of: &Operations, lease: &mut Lease) -> Result<(), Trouble> {
    let known = look(of, &lease.target).await?;
    let id = known["id"].as_str().filter(|id| is_path_part(id));
    let id =
        id.ok_or_else(|| Trouble::new("azure_odd", "Microsoft Graph shows a user without an object id."))?;
    lease.target = id.to_lowercase();
    lease.user_name = known["userPrincipalName"].as_str().map(str::to_owned);
    Ok(())
}
