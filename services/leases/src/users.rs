//! The users of a tenant, to pick some from.

use crate::azure::{Azure, Call, Service};
use crate::names::escaped;
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

/// Some of them, and by what the next ones are asked for.
pub(crate) struct Found {
    pub(crate) users: Vec<User>,
    pub(crate) next: Option<String>,
}

/// What is asked for, of each user.
const ALL: &str = "/v1.0/users?$select=id,displayName,userPrincipalName";
const SKIP: &str = "$skiptoken=";
/// Nobody is called by more letters, and no cursor of Graph's has more.
const MOST_SEARCHED: usize = 100;
const MOST_CURSOR: usize = 4096;

/// The request for a page of those whose name begins so. None if the cursor is none of Graph's: whoever asks us does not
/// get to ask Graph something else.
pub(crate) fn path(search: &str, cursor: Option<&str>, most: i64) -> Option<String> {
    let mut path = format!("{ALL}&$top={most}");
    if search.chars().count() > MOST_SEARCHED {
        return None;
    }
    if !search.is_empty() {
        let text = search.replace('\'', "''"); // a quote within is written twice
        let filter = format!("startswith(displayName,'{text}') or startswith(userPrincipalName,'{text}')");
        path = format!("{path}&$filter={}", escaped(&filter));
    }
    match cursor {
        None => Some(path),
        Some(cursor) if is_cursor(cursor) => Some(format!("{path}&{SKIP}{cursor}")),
        Some(_) => None,
    }
}

fn is_cursor(text: &str) -> bool {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.~=%".contains(letter);
    !text.is_empty() && text.len() <= MOST_CURSOR && text.chars().all(is_plain)
}

/// Graph's answer to that.
pub(crate) fn read(body: &[u8]) -> Result<Found, Trouble> {
    let odd = || Trouble::new("azure_odd", "Microsoft Graph's list of users is none.");
    let page: Page = serde_json::from_slice(body).map_err(|_| odd())?;
    let Some(link) = page.next else { return Ok(Found { users: page.value, next: None }) };
    let link = link.replace("%24skiptoken=", SKIP);
    let token = link.split(['?', '&']).find_map(|part| part.strip_prefix(SKIP));
    let next = token.filter(|token| is_cursor(token)).ok_or_else(odd)?;
    Ok(Found { users: page.value, next: Some(next.to_owned()) })
}

/// More than that many pages of 999 are not read to their end.
const MOST_PAGES: usize = 1000;

/// All of them, whatever the number of pages.
///
/// # Errors
/// A sentence.
pub async fn users(azure: &dyn Azure) -> Result<Vec<User>, String> {
    let mut next = Some(format!("{ALL}&$top=999"));
    let mut all = Vec::new();
    for _ in 0..MOST_PAGES {
        let Some(path) = next.take() else { return Ok(all) };
        let call = Call { service: Service::Graph, method: "GET", path, body: None };
        let answer = azure.call(call).await.map_err(|unanswered| unanswered.message)?;
        if answer.status != 200 {
            return Err(Trouble::refused(Asked::Users, &answer).told());
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

    #[test]
    fn nothing_but_a_page_of_users_is_asked_for() {
        let asked = path("O'N & x", Some("RFNwdAIAAQ%3D"), 7).unwrap();
        assert_eq!(
            asked,
            "/v1.0/users?$select=id,displayName,userPrincipalName&$top=7&$filter=startswith%28displayName%2C%27O%27%27N%20%26%20x\
             %27%29%20or%20startswith%28userPrincipalName%2C%27O%27%27N%20%26%20x%27%29&$skiptoken=RFNwdAIAAQ%3D"
        );
        for cursor in ["", "x&$select=mobilePhone", "x#", "https://graph.microsoft.com/v1.0/me", "x y", "ü"]
        {
            assert_eq!(path("", Some(cursor), 7), None, "{cursor}");
        }
        assert_eq!(path(&"x".repeat(101), None, 7), None);
    }

    #[test]
    fn the_next_page_is_known_by_graphs_own_word_for_it() {
        let page = |link: &str| read(format!(r#"{{"value":[],"@odata.nextLink":"{link}"}}"#).as_bytes());
        for link in
            ["https://g/v1.0/users?$top=1&$skiptoken=ab-_", "https://g/v1.0/users?%24skiptoken=ab-_&$top=1"]
        {
            assert_eq!(page(link).ok().and_then(|found| found.next).as_deref(), Some("ab-_"));
        }
        assert!(page("https://g/v1.0/users?$skip=100").is_err());
        assert!(read(br#"{"value":[]}"#).is_ok_and(|found| found.next.is_none()));
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
