//! The users of a tenant, to pick some from.

use crate::azure::{Azure, Call, Service};
use crate::trouble::{Asked, Trouble};
use serde::Deserialize;

/// One of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its object id.
    pub id: String,
    /// What people call it.
    pub display_name: Option<String>,
    /// What it signs in as.
    pub user_principal_name: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    value: Vec<User>,
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
}

/// More than that many pages of 999 are not read to their end.
const MOST_PAGES: usize = 1000;

/// All of them, whatever the number of pages.
///
/// # Errors
/// A sentence.
pub async fn users(azure: &dyn Azure) -> Result<Vec<User>, String> {
    let mut next = Some("/v1.0/users?$select=id,displayName,userPrincipalName&$top=999".to_owned());
    let mut all = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(path) = next.take() else { return Ok(all) };
        let call = Call { service: Service::Graph, method: "GET", path, body: None };
        let answer = azure.call(call).await.map_err(|unanswered| unanswered.message)?;
        if answer.status != 200 {
            return Err(Trouble::refused(Asked::Users, &answer).message);
        }
        let page: Page = serde_json::from_slice(&answer.body)
            .map_err(|_| "Microsoft Graph's list of users is none.".to_owned())?;
        all.extend(page.value);
        next = page.next;
    }
    Err("Microsoft Graph's list of users has no end.".to_owned())
}
