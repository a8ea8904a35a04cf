//! Signing in and out, and who a session is.

use super::cookie::Transport;
use super::sessions::{Found, Sessions};
use crate::access::Caller;
use crate::api::{json, refused};
use crate::manager::{Denied, Manager};
use crate::names::hash;
use crate::store::Entry;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use entrakey_service::Place;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Instant;
use zeroize::Zeroizing;

const CSRF: &str = "x-csrf-token";

/// Who is signed in.
#[derive(Serialize)]
struct Shown<'a> {
    is_signed_in: bool,
    name: &'a str,
    installation: &'a str,
    csrf_token: &'a str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    token: Zeroizing<String>,
}

/// What a handler needs of the request's way. On a Unix socket there is no browser, and no session.
type Way = (Option<Extension<Arc<Sessions>>>, Option<Extension<Transport>>);

fn way((sessions, transport): Way) -> Result<(Arc<Sessions>, Transport), Denied> {
    match (sessions, transport) {
        (Some(Extension(sessions)), Some(Extension(transport))) => Ok((sessions, transport)),
        _ => Err(Denied::new(
            404,
            "not_found",
            "The dashboard is for browsers: it is not served on this socket.",
        )),
    }
}

/// Browsers say where a request comes from; one of another site's page has no business here.
fn same_site(headers: &HeaderMap) -> Result<(), Denied> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin") => Ok(()),
        _ => Err(Denied::new(403, "forbidden", "Another site's page may not ask this.")),
    }
}

fn found(sessions: &Sessions, transport: Transport, headers: &HeaderMap) -> Option<Found> {
    sessions.find(&transport.read(headers)?, Instant::now())
}

/// The session that a request is of by its cookie, whose holder [`Found::caller`] says: none if it has no cookie of ours.
pub(crate) fn of_request(request: &Request) -> Option<Result<Found, Denied>> {
    let extensions = request.extensions();
    let (sessions, transport) = (extensions.get::<Arc<Sessions>>()?, *extensions.get::<Transport>()?);
    transport.read(request.headers())?;
    Some(admitted(sessions, transport, request.method(), request.headers()))
}

impl Found {
    /// Whose it is.
    pub(crate) async fn caller(&self, manager: &Manager) -> Result<Caller, Denied> {
        of_token(manager, &self.token).await
    }
}

/// The session, and whether it may do what it is about to.
fn admitted(
    sessions: &Sessions,
    transport: Transport,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Found, Denied> {
    same_site(headers)?;
    let found = found(sessions, transport, headers).ok_or_else(ended)?;
    let shown = headers.get(CSRF).map(HeaderValue::as_bytes).unwrap_or_default();
    if !method.is_safe() && !found.is_csrf(shown) {
        let what = "The request lacks the session's CSRF token (X-CSRF-Token): load the page anew.";
        return Err(Denied::new(403, "csrf", what));
    }
    Ok(found)
}

fn ended() -> Denied {
    Denied::new(401, "unauthorized", "This session has ended: sign in again.")
}

async fn of_token(manager: &Manager, token: &str) -> Result<Caller, Denied> {
    let caller = manager.store.caller_of_hash(token, manager.clock.now_ms()).await;
    caller.map_err(|what| Denied::broken(&what))?.ok_or_else(ended)
}

/// Whose session it is: 200 too if it is nobody's, as every browser asks that first.
pub(super) async fn show(
    State(manager): State<Arc<Manager>>,
    sessions: Option<Extension<Arc<Sessions>>>,
    transport: Option<Extension<Transport>>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (sessions, transport) = way((sessions, transport))?;
        same_site(&headers)?;
        let Some(found) = found(&sessions, transport, &headers) else { return Ok(nobody()) };
        match of_token(&manager, &found.token).await {
            Ok(caller) => Ok(shown(&manager, &caller, &found.csrf)),
            Err(denied) if denied.status == 401 => Ok(nobody()),
            Err(denied) => Err(denied),
        }
    };
    answer.await.unwrap_or_else(refused)
}

fn nobody() -> Response {
    json(StatusCode::OK, &serde_json::json!({"is_signed_in": false}))
}

fn shown(manager: &Manager, caller: &Caller, csrf: &str) -> Response {
    let installation = &manager.plan.installation;
    json(StatusCode::OK, &Shown { is_signed_in: true, name: &caller.name, installation, csrf_token: csrf })
}

/// A token for a session.
pub(super) async fn open(
    State(manager): State<Arc<Manager>>,
    sessions: Option<Extension<Arc<Sessions>>>,
    transport: Option<Extension<Transport>>,
    place: Option<Extension<Arc<Place>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = async {
        let (sessions, transport) = way((sessions, transport))?;
        same_site(&headers)?;
        let token = wanted(&headers, &body)?;
        let what = "This token is none, has ended or was revoked: entrakey leases token create makes one.";
        let caller = match of_token(&manager, &token).await {
            Err(denied) if denied.status == 401 => return Err(Denied::new(401, "unauthorized", what)),
            other => other?,
        };
        let opened = sessions.open(&token, Instant::now());
        let opened =
            opened.map_err(|_| Denied::new(503, "unavailable", "The system has no random numbers."))?;
        note(&manager, &caller, "signed_in").await?;
        place.iter().for_each(|place| place.keep());
        let mut response = shown(&manager, &caller, &opened.csrf);
        set_cookie(&mut response, &transport.set(&opened.id));
        Ok(response)
    };
    answer.await.unwrap_or_else(refused)
}

/// The hash of the token that is shown. A form of another site cannot send JSON.
fn wanted(headers: &HeaderMap, body: &[u8]) -> Result<String, Denied> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Denied::new(415, "unsupported_media_type", "Content-Type must be application/json."));
    }
    // The reason is not said: it may have the token in it.
    let read: SignIn = serde_json::from_slice(body)
        .map_err(|_| Denied::new(400, "bad_request", "The body must be {\"token\": \"…\"}."))?;
    Ok(hash(read.token.trim()))
}

/// Ends a session, if there is one.
pub(super) async fn close(
    State(manager): State<Arc<Manager>>,
    sessions: Option<Extension<Arc<Sessions>>>,
    transport: Option<Extension<Transport>>,
    headers: HeaderMap,
) -> Response {
    let answer = async {
        let (sessions, transport) = way((sessions, transport))?;
        let found = match admitted(&sessions, transport, &Method::DELETE, &headers) {
            Err(denied) if denied.status != 401 => return Err(denied),
            found => found.ok(),
        };
        if let Some(id) = transport.read(&headers) {
            sessions.close(&id);
        }
        if let Some(found) = found
            && let Ok(caller) = of_token(&manager, &found.token).await
        {
            note(&manager, &caller, "signed_out").await?;
        }
        let mut response = StatusCode::NO_CONTENT.into_response();
        set_cookie(&mut response, &transport.unset());
        Ok(response)
    };
    answer.await.unwrap_or_else(refused)
}

fn set_cookie(response: &mut Response, cookie: &str) {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        response.headers_mut().insert(SET_COOKIE, value);
    }
}

async fn note(manager: &Manager, caller: &Caller, event: &str) -> Result<(), Denied> {
    let entry = Entry {
        at_ms: manager.clock.now_ms(),
        event: event.to_owned(),
        actor: caller.name.clone(),
        ..Entry::default()
    };
    manager.store.note(&entry).await.map_err(|what| Denied::broken(&what))
}
