//! Azure as leases need it: Microsoft Graph, Azure Resource Manager, and whether Entra takes a secret.

mod cache;
mod live;

pub use cache::Cache;
pub(crate) use live::wall_ms;
pub use live::{Endpoints, Live};

use std::time::Duration;
use zeroize::Zeroizing;

/// Which of Azure's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// <https://learn.microsoft.com/graph/api/overview>
    Graph,
    /// <https://learn.microsoft.com/rest/api/resources/>
    Manager,
}

/// A request. It has no `Debug`: its body may hold a password.
pub struct Call {
    /// To whom.
    pub service: Service,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: &'static str,
    /// What follows the address of the service; or the whole address, of a next page.
    pub path: String,
    /// JSON.
    pub body: Option<Zeroizing<Vec<u8>>>,
}

/// An answer, whatever its status. It has no `Debug`: its body may hold a secret.
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// When to come back.
    pub retry_after: Option<Duration>,
    /// The service's clock, milliseconds since 1970.
    pub date_ms: Option<i64>,
    /// By which Azure's support finds the request.
    pub request_id: Option<String>,
}

/// No answer came: whether the request took effect is not known, unless it was not sent.
#[derive(Debug)]
pub struct Unanswered {
    /// A sentence that says what to do.
    pub message: String,
    /// It never left this machine: there was no token for it, for instance.
    pub is_unsent: bool,
    /// When to try again, if somebody said so.
    pub retry_after: Option<Duration>,
}

/// Whether Entra takes a new secret.
#[derive(Debug, PartialEq, Eq)]
pub enum SignIn {
    /// It does.
    Taken,
    /// It has not heard of it (AADSTS7000215).
    NotYet,
    /// Nobody can say, for that reason.
    Unclear(String),
}

/// What leases ask of Azure, with one identity.
#[async_trait::async_trait]
pub trait Azure: Send + Sync {
    /// Sends one request, once.
    async fn call(&self, call: Call) -> Result<Answer, Unanswered>;

    /// Tries to sign in as an application with one of its secrets.
    async fn sign_in(&self, application_id: &str, secret: &Zeroizing<String>, scope: &str) -> SignIn;
}
