//! Between every request of the token plane and its answer: counting, and what a test scripted instead.

use super::serve::Reset;
use crate::faults::Fault;
use crate::world::World;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;
use std::sync::Arc;

/// No token request is larger.
const BODY_LIMIT: usize = 1 << 20;

type Route = (Arc<World>, &'static str);

/// Gives a route its name.
pub(super) fn named(
    world: &Arc<World>,
    route: &'static str,
    method: MethodRouter<Arc<World>>,
) -> MethodRouter<Arc<World>> {
    method.layer(from_fn_with_state((world.clone(), route), intercept))
}

async fn intercept(State((world, route)): State<Route>, request: Request, next: Next) -> Response {
    world.stats.requested(route);
    let Some(fault) = world.faults.next(route) else { return next.run(request).await };
    let (head, body) = request.into_parts();
    // Read to its end: a server that answers while the client still sends is another fault.
    let body = to_bytes(body, BODY_LIMIT).await.unwrap_or_default();
    tokio::time::sleep(fault.delay()).await;
    if fault.status.is_none() && !fault.hang && !fault.reset {
        return next.run(Request::from_parts(head, Body::from(body))).await;
    }
    world.stats.answered_by_script();
    world.log.note(format_args!("{route}: a scripted answer"));
    if fault.reset
        && let Some(reset) = head.extensions.get::<Reset>()
    {
        reset.pull().await;
    }
    if fault.hang {
        std::future::pending::<()>().await;
    }
    answer(fault)
}

fn answer(fault: Fault) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(fault.body)));
    *response.status_mut() =
        fault.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or_default();
    let headers = fault.headers.iter();
    // All were checked when they were queued.
    let headers = headers.filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    response.headers_mut().extend(headers);
    response
}
