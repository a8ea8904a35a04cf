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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::{Answer, SignIn, Unanswered};
    use std::sync::Mutex;
    use zeroize::Zeroizing;

    struct Pages(Mutex<Vec<&'static str>>);

    #[async_trait::async_trait]
    impl Azure for Pages {
        async fn call(&self, call: Call) -> Result<Answer, Unanswered> {
            let mut left = self.0.lock().unwrap();
            assert!(
                left.len() == 2
                    || call.path == "https://graph.microsoft.com/v1.0/users?$skiptoken=RFNwdAIAAQ",
                "verbatim"
            );
            let body = Zeroizing::new(left.remove(0).as_bytes().to_vec());
            Ok(Answer { status: 200, body, retry_after: None, date_ms: None, request_id: None })
        }

        async fn sign_in(&self, _: &str, _: &Zeroizing<String>, _: &str) -> SignIn {
            SignIn::NotYet
        }
    }

    #[tokio::test]
    async fn every_page_is_read() {
        let first = r#"{"value":[{"id":"1","displayName":"Ada","userPrincipalName":"ada@contoso.com"}],
            "@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=RFNwdAIAAQ"}"#;
        let last = r#"{"value":[{"id":"2","displayName":null,"userPrincipalName":null}]}"#;
        let found = users(&Pages(Mutex::new(vec![first, last]))).await.unwrap();
        let ids: Vec<_> = found.iter().map(|user| user.id.as_str()).collect();
        assert_eq!(ids, ["1", "2"]);
        assert!(
            users(&Pages(Mutex::new(vec![r#"{"error":{}}"#, ""])))
                .await
                .unwrap_err()
                .contains("list of users")
        );
    }
}
