//! `/v1/leases` and `/v1/dynamic-secrets`.

use super::answers::{json, refused, secret_json};
use super::types::{
    DynamicSecret, DynamicSecrets, IssuedLease, LeaseQuery, LeaseView, Leases, NewLease, Refusal, Renewal,
    Ttl,
};
use crate::access::{Caller, Role};
use crate::lease::Lease;
use crate::manager::{Denied, Manager, Request};
use crate::plan::What;
use crate::store::LeaseFilter;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;
use std::sync::Arc;

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A body in JSON. An empty one counts as `{}` where nothing has to be said.
fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Denied> {
    let body = body.map_err(|rejection| {
        Denied::new(rejection.status().as_u16(), "bad_request", "The body is too long, or broke off.")
    })?;
    let text = if body.is_empty() { &b"{}"[..] } else { body.as_ref() };
    serde_json::from_slice(text).map_err(|error| {
        Denied::new(400, "bad_request", format!("The body is not the JSON that is needed here: {error}."))
    })
}

/// A name in the path. What is no text is nobody's.
pub(super) struct Named(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let nothing = |_| refused(Denied::new(404, "not_found", "There is nothing of that name."));
        let Path(name) = Path::from_request_parts(parts, state).await.map_err(nothing)?;
        Ok(Self(name))
    }
}

pub(super) fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Denied> {
    let Query(read) =
        query.map_err(|error| Denied::new(400, "bad_request", format!("{}.", error.body_text())))?;
    Ok(read)
}

/// As many as somebody asks for, and as there may be.
pub(super) fn page(limit: Option<u32>) -> i64 {
    const FEW: u32 = 100;
    const MOST: u32 = 500;
    i64::from(limit.unwrap_or(FEW).clamp(1, MOST))
}

fn shown(manager: &Manager, caller: &Caller, lease: &Lease) -> LeaseView {
    LeaseView::new(lease, caller, manager.clock.now_ms())
}

fn answered(manager: &Manager, caller: &Caller, outcome: Result<Lease, Denied>) -> Response {
    match outcome {
        Ok(lease) => json(StatusCode::OK, &shown(manager, caller, &lease)),
        Err(denied) => refused(denied),
    }
}

/// Make a lease. The answer has the credential, once.
#[utoipa::path(post, path = "/v1/leases", tag = "leases", request_body = NewLease,
    params(("Idempotency-Key" = Option<String>, Header, description =
        "A key of your own: with one that you have used before there is no second lease, and the answer is 409.")),
    responses(
        (status = 201, description = "The lease and its credential", body = IssuedLease),
        (status = 400, description = "ttl_invalid, ttl_exceeds_max, user_invalid, bad_request", body = Refusal),
        (status = 401, description = "unauthorized", body = Refusal),
        (status = 403, description = "forbidden", body = Refusal),
        (status = 404, description = "not_found", body = Refusal),
        (status = 409, description = "idempotency_key_used, in_use, foreign_assignment", body = Refusal),
        (status = 429, description = "lease_limit", body = Refusal),
        (status = 503, description = "Azure or the database: Retry-After says when to ask again", body = Refusal)))]
pub(super) async fn create(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let wanted: NewLease = match read(body) {
        Ok(wanted) => wanted,
        Err(denied) => return refused(denied),
    };
    let key = headers.get(IDEMPOTENCY_KEY).map(|key| String::from_utf8_lossy(key.as_bytes()).into_owned());
    let ttl = wanted.ttl.as_ref().map(Ttl::text);
    let request = Request { secret: wanted.secret, ttl, user: wanted.user, idempotency_key: key };
    match manager.create(&caller, request).await {
        Ok((lease, data)) => {
            let lease = shown(&manager, &caller, &lease);
            secret_json(StatusCode::CREATED, &IssuedLease { lease, data })
        }
        Err(denied) => refused(denied),
    }
}

/// Leases that you may see, the newest first.
#[utoipa::path(get, path = "/v1/leases", tag = "leases", params(LeaseQuery), responses(
    (status = 200, description = "A page of them", body = Leases),
    (status = 400, description = "bad_request", body = Refusal),
    (status = 401, description = "unauthorized", body = Refusal)))]
pub(super) async fn list(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    asked: Result<Query<LeaseQuery>, QueryRejection>,
) -> Response {
    match listed(&manager, &caller, asked).await {
        Ok(leases) => json(StatusCode::OK, &leases),
        Err(denied) => refused(denied),
    }
}

async fn listed(
    manager: &Manager,
    caller: &Caller,
    asked: Result<Query<LeaseQuery>, QueryRejection>,
) -> Result<Leases, Denied> {
    let asked = query(asked)?;
    let after = asked.cursor.as_deref().map(|cursor| {
        let parts = cursor.split_once('.').and_then(|(ms, id)| Some((ms.parse().ok()?, id.to_owned())));
        parts.ok_or_else(|| Denied::new(400, "bad_request", "cursor is no next_cursor of an answer."))
    });
    if let Some(state) = asked.state.as_deref().filter(|state| *state != "living") {
        state.parse::<crate::lease::State>().map_err(|_| {
            let what = "state must be intent, created, active, revoking, revoked, failed, or living.";
            Denied::new(400, "bad_request", what)
        })?;
    }
    let most = page(asked.limit);
    let filter =
        LeaseFilter { visible: None, secret: asked.secret, state: asked.state, after: after.transpose()? };
    let mut leases = manager.leases(caller, filter, most + 1).await?;
    let page = usize::try_from(most).unwrap_or(usize::MAX);
    let is_more = leases.len() > page;
    leases.truncate(page);
    let next_cursor =
        leases.last().filter(|_| is_more).map(|last| format!("{}.{}", last.created_ms, last.id));
    let leases = leases.iter().map(|lease| shown(manager, caller, lease)).collect();
    Ok(Leases { leases, next_cursor, now: manager.clock.now_ms() / 1000 })
}

/// One lease.
#[utoipa::path(get, path = "/v1/leases/{id}", tag = "leases", params(("id" = String, Path)), responses(
    (status = 200, description = "The lease, without its credential", body = LeaseView),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 404, description = "not_found", body = Refusal)))]
pub(super) async fn show(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    Named(id): Named,
) -> Response {
    let outcome = manager.lease(&caller, &id).await;
    answered(&manager, &caller, outcome)
}

/// End a lease now.
#[utoipa::path(delete, path = "/v1/leases/{id}", tag = "leases", params(("id" = String, Path)), responses(
    (status = 200, description = "revoked; or revoking, and tried until it is", body = LeaseView),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 403, description = "forbidden", body = Refusal),
    (status = 404, description = "not_found", body = Refusal),
    (status = 409, description = "in_progress", body = Refusal)))]
pub(super) async fn delete(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    Named(id): Named,
) -> Response {
    let outcome = manager.revoke(&caller, &id).await;
    answered(&manager, &caller, outcome)
}

/// End a lease now.
#[utoipa::path(post, path = "/v1/leases/{id}/revoke", tag = "leases", params(("id" = String, Path)), responses(
    (status = 200, description = "revoked; or revoking, and tried until it is", body = LeaseView),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 403, description = "forbidden", body = Refusal),
    (status = 404, description = "not_found", body = Refusal),
    (status = 409, description = "in_progress", body = Refusal)))]
pub(super) async fn revoke(manager: State<Arc<Manager>>, caller: Extension<Caller>, id: Named) -> Response {
    delete(manager, caller, id).await
}

/// Let a lease live longer: until `ttl` from now, and never past its last moment.
#[utoipa::path(post, path = "/v1/leases/{id}/renew", tag = "leases", params(("id" = String, Path)),
    request_body = Option<Renewal>, responses(
    (status = 200, description = "The lease", body = LeaseView),
    (status = 400, description = "ttl_invalid, ttl_exceeds_max, max_ttl_reached, lease_over", body = Refusal),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 403, description = "forbidden", body = Refusal),
    (status = 404, description = "not_found", body = Refusal)))]
pub(super) async fn renew(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    Named(id): Named,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let wanted: Renewal = match read(body) {
        Ok(wanted) => wanted,
        Err(denied) => return refused(denied),
    };
    let ttl = wanted.ttl.as_ref().map(Ttl::text);
    let outcome = manager.renew(&caller, &id, ttl.as_deref()).await;
    answered(&manager, &caller, outcome)
}

/// What leases can be made of.
#[utoipa::path(get, path = "/v1/dynamic-secrets", tag = "leases", responses(
    (status = 200, description = "Those that you have a role for", body = DynamicSecrets),
    (status = 401, description = "unauthorized", body = Refusal)))]
pub(super) async fn dynamic_secrets(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    let mut all = Vec::new();
    for secret in manager.plan.secrets.values() {
        let may = |role: &Role| caller.may(*role, &secret.name);
        let roles: Vec<_> = Role::ALL.into_iter().filter(may).map(Role::name).collect();
        if roles.is_empty() {
            continue;
        }
        let living = match manager.store.living(&secret.name).await {
            Ok(living) => living,
            Err(what) => return refused(Denied::broken(&what)),
        };
        let target = match &secret.what {
            What::ApplicationPassword { application_id, .. } => Some(application_id.clone()),
            What::RedisAccess { cache, .. } => Some(cache.clone()),
            What::UserPassword { .. } => None,
        };
        all.push(DynamicSecret {
            name: secret.name.clone(),
            kind: secret.kind().name(),
            target,
            default_ttl: secret.default_ttl.as_secs(),
            max_ttl: secret.max_ttl.as_secs(),
            users: secret.users().len(),
            user: match secret.users() {
                [one] => Some(one.clone()),
                _ => None,
            },
            living,
            max_leases: secret.most_leases,
            roles,
        });
    }
    json(StatusCode::OK, &DynamicSecrets { dynamic_secrets: all })
}
