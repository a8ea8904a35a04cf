//! Who asks: the holder of a bearer token, or a user of this machine on the Unix socket.

use super::answers::refused;
use crate::access::{Caller, Client};
use crate::dashboard::{Found, of_request};
use crate::manager::{Denied, Manager};
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use entrakey_service::{Place, of_another};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A process on the Unix socket, as the system says who it is.
#[derive(Clone, Debug)]
pub(crate) struct UnixPeer {
    pub(crate) uid: u32,
    /// Its own one first.
    pub(crate) gids: Arc<[u32]>,
    pub(crate) place: Arc<Place>,
}

/// What anybody may ask.
const OPEN: &str = "/v1/openapi.json";

/// Lets those through who are somebody. Handlers find who it is as an extension, a [`Caller`].
pub(super) async fn admit(State(manager): State<Arc<Manager>>, mut request: Request, next: Next) -> Response {
    if request.uri().path() == OPEN {
        return next.run(request).await;
    }
    let caller = match shown(&request) {
        Ok(Shown::Token(token, place)) => of_token(&manager, &token, place.as_deref()).await,
        Ok(Shown::Session(found, place)) => of_session(&manager, &found, place.as_deref()).await,
        Ok(Shown::Peer(peer)) => of_peer(&manager, &peer),
        Err(denied) => Err(denied),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(denied) => refused(denied),
    }
}

/// By what somebody wants to be known.
enum Shown {
    Token(Zeroizing<String>, Option<Arc<Place>>),
    Session(Found, Option<Arc<Place>>),
    Peer(UnixPeer),
}

fn shown(request: &Request) -> Result<Shown, Denied> {
    let extensions = request.extensions();
    let peer = extensions.get::<UnixPeer>();
    let place = peer.map(|peer| peer.place.clone()).or_else(|| extensions.get::<Arc<Place>>().cloned());
    // A token counts before a cookie: programs show it on purpose, and a browser sends a cookie with everything.
    if let Some(token) = bearer(request)? {
        return Ok(Shown::Token(token, place));
    }
    if let Some(session) = of_request(request) {
        return Ok(Shown::Session(session?, place));
    }
    let Some(peer) = peer else {
        let what = "Show a bearer token (Authorization: Bearer …): entrakey leases token create makes one.";
        return Err(Denied::new(401, "unauthorized", what));
    };
    match of_another(None, request.uri(), request.headers()) {
        Some(why) => Err(Denied::new(403, "forbidden", why)),
        None => Ok(Shown::Peer(peer.clone())),
    }
}

async fn of_session(manager: &Manager, found: &Found, place: Option<&Place>) -> Result<Caller, Denied> {
    let caller = found.caller(manager).await?;
    place.into_iter().for_each(Place::keep);
    Ok(caller)
}

async fn of_token(manager: &Manager, token: &str, place: Option<&Place>) -> Result<Caller, Denied> {
    let found = manager.store.caller(token, manager.clock.now_ms()).await;
    let found = found.map_err(|what| Denied::broken(&what))?;
    let what = "This bearer token is none, has ended or was revoked: entrakey leases token create makes one.";
    let caller = found.ok_or_else(|| Denied::new(401, "unauthorized", what))?;
    place.into_iter().for_each(Place::keep);
    Ok(caller)
}

fn of_peer(manager: &Manager, peer: &UnixPeer) -> Result<Caller, Denied> {
    let is_it = |client: &&Client| client.is(peer.uid, &peer.gids);
    let clients: Vec<_> = manager.plan.clients.iter().filter(is_it).collect();
    let what =
        "This user may not use leases without a bearer token: the configuration's clients name who may.";
    let client = clients.first().ok_or_else(|| Denied::new(403, "forbidden", what))?;
    peer.place.keep();
    // Each user of a client's is somebody else: one does not renew the other's leases.
    let name = format!("unix:{}:{}", client.name, peer.uid);
    Ok(Caller { name, grants: clients.iter().map(|client| client.grant.clone()).collect() })
}

fn bearer(request: &Request) -> Result<Option<Zeroizing<String>>, Denied> {
    let mut shown = request.headers().get_all(AUTHORIZATION).iter();
    let odd = || Denied::new(401, "unauthorized", "Authorization must be \"Bearer\" and a token, once.");
    let (Some(header), None) = (shown.next(), shown.next()) else {
        return if request.headers().contains_key(AUTHORIZATION) { Err(odd()) } else { Ok(None) };
    };
    let text = header.to_str().map_err(|_| odd())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(odd)?;
    match scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        true => Ok(Some(Zeroizing::new(token.trim().to_owned()))),
        false => Err(odd()),
    }
}
