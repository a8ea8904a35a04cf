//! Azure Resource Manager's routes, over https.
//!
//! <https://learn.microsoft.com/rest/api/redis/>, <https://learn.microsoft.com/rest/api/redis/redisenterprisecache/>

mod answers;
mod asked;
mod assignment;
mod policy;

use crate::arm::ResourceManager;
use crate::tokens::{Api, verify_for};
use answers::{Fault, fault};
use asked::Asked;
use axum::body::Bytes;
use axum::extract::{Extension, Query};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use std::sync::Arc;

type Parameters = Vec<(String, String)>;

/// A request, once it is known whose it is.
struct Request<'a> {
    manager: &'a ResourceManager,
    method: &'a Method,
    path: &'a str,
    query: &'a [(String, String)],
    /// As the client reaches it: answers have links.
    address: String,
    caller: &'a str,
    body: &'a [u8],
}

pub(super) async fn answer(
    Extension(manager): Extension<Arc<ResourceManager>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<Parameters>,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let token = text("authorization").strip_prefix("Bearer ").unwrap_or_default();
    let tenant = &manager.tenant;
    let caller = match verify_for(Api::ResourceManager, &tenant.signing_keys, tenant.now(), token) {
        Ok(caller) => caller,
        Err(reason) => {
            let said = format!("The access token is invalid: {reason}.");
            return fault(&Fault::new(401, "InvalidAuthenticationToken", said));
        }
    };
    if !query.iter().any(|(name, value)| name == "api-version" && !value.is_empty()) {
        let said = "The api-version query parameter (?api-version=) is required for all requests.";
        return fault(&Fault::new(400, "MissingApiVersionParameter", said));
    }
    let request = Request {
        manager: &manager,
        method: &method,
        path: uri.path(),
        query: &query,
        address: format!("https://{}", text("host")),
        caller: &caller,
        body: &body,
    };
    request.answer().await.unwrap_or_else(|refusal| fault(&refusal))
}

impl Request<'_> {
    async fn answer(&self) -> Result<Response, Fault> {
        let asked = Asked::read(self.path, self.manager.family()).ok_or_else(|| self.not_found())?;
        let role = self.manager.role(self.caller);
        // Whoever may see nothing gets an empty list of subscriptions.
        match (&asked, role.as_deref()) {
            (Asked::Subscriptions, _) => return Ok(answers::subscriptions(role.is_some())),
            (_, None) => return Err(self.forbidden()),
            (_, Some("Reader")) if *self.method != Method::GET => return Err(self.forbidden()),
            _ => {}
        }
        match (asked, self.method) {
            (Asked::Assignment(name), method) => assignment::answer(self, &name, method).await,
            (Asked::Policy(name), method) => policy::answer(self, &name, method),
            (asked, &Method::GET) => self.get(&asked),
            _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
        }
    }

    fn get(&self, asked: &Asked) -> Result<Response, Fault> {
        let manager = self.manager;
        Ok(match asked {
            Asked::Caches(is_ours) => answers::caches(manager, *is_ours),
            Asked::Cache => answers::cache(manager),
            Asked::Database => answers::database(manager),
            Asked::Assignments => assignment::list(manager),
            Asked::Policies => policy::list(manager),
            Asked::Roles => answers::roles(manager, self.parameter("$filter").unwrap_or_default()),
            Asked::Metrics => answers::metrics(manager, self.parameter("metricnames").unwrap_or_default())?,
            Asked::Operation(name) => {
                let is_done = manager.assignments.is_done(name).ok_or_else(|| self.not_found())?;
                answers::operation(name, is_done)
            }
            Asked::Subscriptions | Asked::Assignment(_) | Asked::Policy(_) => return Err(self.not_found()),
        })
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(mine, _)| mine == name).map(|(_, value)| value.as_str())
    }

    fn forbidden(&self) -> Fault {
        let (caller, path) = (self.caller, self.path);
        let verb = if *self.method == Method::GET { "read" } else { "write" };
        let said = format!(
            "The client '{caller}' with object id '{caller}' does not have authorization to perform action \
             'Microsoft.Cache/{verb}' over scope '{path}' or the scope is invalid. If access was recently granted, please \
             refresh your credentials."
        );
        Fault::new(403, "AuthorizationFailed", said)
    }

    fn not_found(&self) -> Fault {
        let said = format!(
            "The Resource '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            self.path
        );
        Fault::new(404, "ResourceNotFound", said)
    }
}
