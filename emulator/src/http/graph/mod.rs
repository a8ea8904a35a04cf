//! Microsoft Graph's routes, over https: applications, service principals, users, and their passwords.
//!
//! <https://learn.microsoft.com/graph/api/application-addpassword>, <https://learn.microsoft.com/graph/api/user-update>

mod answers;
mod applications;
mod asked;
mod filter;
mod page;
mod users;

use super::exchange::{Exchange, InExchange};
use crate::graph::GraphGrant;
use crate::tenant::Tenant;
use crate::tokens::{Api, verify_for};
use answers::{Fault, finished};
use asked::{Asked, Set};
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use std::sync::Arc;

type Parameters = Vec<(String, String)>;

/// A request, once it is known whose it is.
struct Request<'a> {
    tenant: &'a Tenant,
    exchange: &'a Exchange,
    method: &'a Method,
    path: &'a str,
    query: &'a [(String, String)],
    /// As the client reaches it: answers have links.
    address: String,
    grant: GraphGrant,
    body: &'a [u8],
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().find(|(mine, _)| mine.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

pub(super) async fn answer(
    State(tenant): State<Arc<Tenant>>,
    exchange: InExchange,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (now, token) = (tenant.now(), text("authorization").strip_prefix("Bearer ").unwrap_or_default());
    let answer = match verify_for(Api::Graph, &tenant.signing_keys, now, token) {
        Err(reason) => {
            let said = format!("Access token validation failure: {reason}.");
            Err(Fault::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", said))
        }
        Ok(caller) => {
            let request = Request {
                tenant: &tenant,
                exchange: &exchange,
                method: &method,
                path: uri.path(),
                query: &query,
                address: format!("https://{}", text("host")),
                grant: tenant.graph.grant(&caller),
                body: &body,
            };
            request.answer()
        }
    };
    finished(answer, &exchange.correlation_id, now)
}

impl Request<'_> {
    fn answer(&self) -> Result<Response, Fault> {
        let path = self.path.trim_start_matches("/v1.0/");
        let asked = Asked::read(path).ok_or_else(|| {
            let said = format!(
                "Resource not found for the segment '{}'.",
                path.split('/').next().unwrap_or_default()
            );
            Fault::bad_request("BadRequest", said)
        })?;
        match (asked, self.method) {
            (Asked::List(Set::Users), &Method::GET) => users::list(self),
            (Asked::Object(Set::Users, key), &Method::GET) => users::get(self, &key),
            (Asked::Object(Set::Users, key), &Method::PATCH) => users::change(self, &key),
            (Asked::List(set), &Method::GET) => applications::list(self, set),
            (Asked::Object(set, key), &Method::GET) => applications::get(self, set, &key),
            (Asked::AddPassword(set, key), &Method::POST) => applications::add_password(self, set, &key),
            (Asked::RemovePassword(set, key), &Method::POST) => {
                applications::remove_password(self, set, &key)
            }
            _ => {
                let said = "Specified HTTP method is not allowed for the request target.";
                Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest", said))
            }
        }
    }
}
