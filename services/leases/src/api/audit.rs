//! `/v1/audit`, and who asks.

use super::answers::{json, refused};
use super::leases::{page, query};
use super::types::{Audit, AuditQuery, AuditRow, Me, Refusal};
use crate::access::Caller;
use crate::manager::{Denied, Manager};
use crate::store::AuditFilter;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

/// What was done, by whom, the newest first: of the dynamic secrets that you have the role `list` for.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", params(AuditQuery), responses(
    (status = 200, description = "A page of it", body = Audit),
    (status = 400, description = "bad_request", body = Refusal),
    (status = 401, description = "unauthorized", body = Refusal)))]
pub(super) async fn audit(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<AuditQuery>, QueryRejection>,
) -> Response {
    match read(&manager, &caller, asked).await {
        Ok(audit) => json(StatusCode::OK, &audit),
        Err(denied) => refused(denied),
    }
}

async fn read(
    manager: &Manager,
    caller: &Caller,
    asked: Result<Query<AuditQuery>, QueryRejection>,
) -> Result<Audit, Denied> {
    let asked = query(asked)?;
    let before = asked.cursor.as_deref().map(|cursor| {
        cursor.parse().map_err(|_| Denied::new(400, "bad_request", "cursor is no next_cursor of an answer."))
    });
    let most = page(asked.limit);
    let filter = AuditFilter {
        visible: None,
        lease: asked.lease_id,
        secret: asked.secret,
        actor: asked.actor,
        event: asked.event,
        since_ms: asked.since.map(|since| since.saturating_mul(1000)),
        before: before.transpose()?,
    };
    let mut rows = manager.audit(caller, filter, most + 1).await?;
    let page = usize::try_from(most).unwrap_or(usize::MAX);
    let is_more = rows.len() > page;
    rows.truncate(page);
    let next_cursor = rows.last().filter(|_| is_more).map(|last| last.number.to_string());
    Ok(Audit { audit: rows.into_iter().map(AuditRow::from).collect(), next_cursor })
}

/// Who you are.
#[utoipa::path(get, path = "/v1/me", tag = "service", responses(
    (status = 200, description = "Who asks", body = Me),
    (status = 401, description = "unauthorized", body = Refusal)))]
pub(super) async fn me(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    json(StatusCode::OK, &Me { name: caller.name, installation: manager.plan.installation.clone() })
}
