//! The token plane: managed identity and control over http, Entra over https.

mod control;
mod discovery;
mod entra;
mod imds;

use crate::redis::Plane;
use crate::world::{World, stop_signal};
use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

type Shared = State<Arc<World>>;

/// The managed identity endpoint, and the control API under `/emulator`.
pub(crate) fn plain_router(world: Arc<World>, redis: Arc<Plane>) -> Router {
    let control =
        Router::new().route("/emulator/stats", get(control::stats)).with_state(world.clone()).merge(
            Router::new()
                .route("/emulator/redis/stop", post(control::stop_redis))
                .route("/emulator/redis/start", post(control::start_redis))
                .with_state(redis),
        );
    Router::new().route("/metadata/identity/oauth2/token", get(imds::token)).with_state(world).merge(control)
}

/// Entra: the token endpoint, and what describes it.
pub(crate) fn secure_router(world: Arc<World>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(entra::token))
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery::configuration))
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/discovery/instance", get(discovery::instance))
        .with_state(world)
}

pub(crate) async fn serve_plain(listener: TcpListener, router: Router, stopped: watch::Receiver<bool>) {
    serve(listener, stopped, move |stream| {
        let router = router.clone();
        async move { answer(stream, router).await }
    })
    .await;
}

/// Each handshake runs in its connection's own task, so that a slow one keeps nobody waiting.
pub(crate) async fn serve_tls(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    router: Router,
    stopped: watch::Receiver<bool>,
) {
    serve(listener, stopped, move |stream| {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        async move {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, router).await;
            }
        }
    })
    .await;
}

async fn serve<F>(
    listener: TcpListener,
    mut stopped: watch::Receiver<bool>,
    handle: impl Fn(tokio::net::TcpStream) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let for_connections = stopped.clone();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                let (connection, mut stopped) = (handle(stream), for_connections.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = connection => (),
                        () = stop_signal(&mut stopped) => (),
                    }
                });
            },
            () = stop_signal(&mut stopped) => return,
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let service = TowerToHyperService::new(router);
    // A client that goes away in the middle is its own affair.
    let _ = auto::Builder::new(TokioExecutor::new())
        .http1_only()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A random UUID, as ids of requests and traces are.
fn uuid() -> String {
    let bits = fastrand::u128(..);
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-4{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
