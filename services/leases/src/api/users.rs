//! Users: those of a dynamic secret, for whoever makes a lease, and those of the tenant, for whoever writes the configuration.

use super::answers::{json, refused};
use super::leases::{Named, page, query};
use super::types::{Refusal, SecretUser, SecretUsers, TenantUserView, TenantUsers, UserQuery};
use crate::access::{Caller, Role};
use crate::manager::{Denied, Manager, denied};
use crate::users as tenant;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use std::sync::Arc;

type Asked = Result<Query<UserQuery>, QueryRejection>;

/// For whom leases of a dynamic secret can be made, by name, and who has one now.
#[utoipa::path(get, path = "/v1/dynamic-secrets/{name}/users", tag = "users",
    params(("name" = String, Path), UserQuery), responses(
    (status = 200, description = "A page of them", body = SecretUsers),
    (status = 400, description = "bad_request", body = Refusal),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 403, description = "forbidden: it takes the role issue, or see-users", body = Refusal),
    (status = 404, description = "not_found", body = Refusal)))]
pub(super) async fn of_secret(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    Named(name): Named,
    asked: Asked,
) -> Response {
    match listed(&manager, &caller, &name, asked).await {
        Ok(users) => json(StatusCode::OK, &users),
        Err(denied) => refused(denied),
    }
}

async fn listed(manager: &Manager, caller: &Caller, name: &str, asked: Asked) -> Result<SecretUsers, Denied> {
    // Whoever picks users for the configuration sees which it has.
    let role = if caller.may(Role::SeeUsers, name) { Role::SeeUsers } else { Role::Issue };
    let operations = manager.permitted(caller, role, name)?;
    let asked = query(asked)?;
    let lower = |text: Option<String>| text.unwrap_or_default().trim().to_lowercase();
    let (search, after) = (lower(asked.search), lower(asked.cursor));
    let mut all: Vec<_> = operations.plan.users().iter().map(|user| (user.to_lowercase(), user)).collect();
    all.retain(|(lower, _)| lower.contains(&search) && *lower > after);
    all.sort_unstable();
    let most = usize::try_from(page(asked.limit)).unwrap_or(usize::MAX);
    let is_more = all.len() > most;
    all.truncate(most);
    let next_cursor = all.last().filter(|_| is_more).map(|(lower, _)| lower.clone());
    let taken = manager.store.taken(operations.plan.kind()).await.map_err(|what| Denied::broken(&what))?;
    let shown = |(_, user): (String, &String)| {
        let until = operations.taken_until(user, &taken);
        SecretUser { user: user.clone(), is_taken: until.is_some(), taken_until: until.map(|ms| ms / 1000) }
    };
    Ok(SecretUsers { users: all.into_iter().map(shown).collect(), next_cursor })
}

/// Users of the tenant, in the order of Microsoft Graph, with what the configuration's `users` would call them.
#[utoipa::path(get, path = "/v1/dynamic-secrets/{name}/tenant-users", tag = "users",
    params(("name" = String, Path), UserQuery), responses(
    (status = 200, description = "A page of them", body = TenantUsers),
    (status = 400, description = "bad_request; user_invalid: the secret is for nobody in particular", body = Refusal),
    (status = 401, description = "unauthorized", body = Refusal),
    (status = 403, description = "forbidden: it takes the role see-users", body = Refusal),
    (status = 404, description = "not_found", body = Refusal),
    (status = 503, description = "Microsoft Graph does not say: the message says why", body = Refusal)))]
pub(super) async fn of_tenant(
    State(manager): State<Arc<Manager>>,
    Extension(caller): Extension<Caller>,
    Named(name): Named,
    asked: Asked,
) -> Response {
    match found(&manager, &caller, &name, asked).await {
        Ok(users) => json(StatusCode::OK, &users),
        Err(denied) => refused(denied),
    }
}

async fn found(manager: &Manager, caller: &Caller, name: &str, asked: Asked) -> Result<TenantUsers, Denied> {
    let operations = manager.permitted(caller, Role::SeeUsers, name)?;
    let asked = query(asked)?;
    if operations.plan.users().is_empty() {
        let what = "This dynamic secret is for nobody in particular: there are no users to pick for it.";
        return Err(Denied::new(400, "user_invalid", what));
    }
    let (search, most) = (asked.search.unwrap_or_default(), page(asked.limit));
    let path = tenant::path(search.trim(), asked.cursor.as_deref(), most).ok_or_else(|| {
        Denied::new(
            400,
            "bad_request",
            "cursor is no next_cursor of an answer, or search is longer than a name.",
        )
    })?;
    let found = operations.tenant_users(path).await.map_err(|trouble| denied(&trouble))?;
    let users = found.users.into_iter().map(|user| TenantUserView::new(user, &operations.plan)).collect();
    Ok(TenantUsers { users, next_cursor: found.next })
}
