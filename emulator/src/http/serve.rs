//! Listening, TLS, and one connection after the other.

use crate::clock::Clock;
use crate::stop::stop_signal;
use axum::Router;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{DATE, Entry};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::UNIX_EPOCH;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Every request carries its connection's reset: pulling it ends the connection with a TCP reset.
#[derive(Clone, Default)]
pub(super) struct Reset(Arc<Notify>);

impl Reset {
    /// Never returns: the connection ends, and the handler that answers on it.
    pub(super) async fn pull(&self) {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// What all listeners of the token plane have in common.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) clock: Arc<Clock>,
    pub(crate) stopped: watch::Receiver<bool>,
}

impl Server {
    pub(crate) async fn serve_plain(self, listener: TcpListener, router: Router) {
        let stopped = self.stopped.clone();
        serve(listener, stopped, move |stream| {
            let (clock, router) = (self.clock.clone(), router.clone());
            async move { answer(stream, router, clock).await }
        })
        .await;
    }

    /// Each handshake runs in its connection's own task, so that a slow one delays no other connection.
    pub(crate) async fn serve_tls(self, listener: TcpListener, acceptor: TlsAcceptor, router: Router) {
        let stopped = self.stopped.clone();
        serve(listener, stopped, move |stream| {
            let (acceptor, clock, router) = (acceptor.clone(), self.clock.clone(), router.clone());
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, router, clock).await;
                }
            }
        })
        .await;
    }
}

async fn serve<F>(listener: TcpListener, mut stopped: watch::Receiver<bool>, handle: impl Fn(TcpStream) -> F)
where
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

/// A stream over TCP, whatever is between.
trait OverTcp: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl OverTcp for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl OverTcp for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

async fn answer(stream: impl OverTcp, router: Router, clock: Arc<Clock>) {
    let (reset, router) = (Reset::default(), TowerToHyperService::new(router));
    let for_requests = reset.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(for_requests.clone());
        let (answered, clock) = (router.call(request), clock.clone());
        async move { answered.await.map(|response| dated(response, &clock)) }
    });
    // The date is the emulator's, or none: the system's would contradict the tokens.
    let mut connection =
        http1::Builder::new().auto_date_header(false).serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        _ = &mut connection => return, // a client that goes away in the middle is its own affair
        () = reset.0.notified() => (),
    }
    let stream = connection.into_parts().io.into_inner();
    let _ = stream.tcp().set_zero_linger(); // without it the client sees an end instead of a reset
}

/// The answer with the emulator's time in `Date`, unless a script wrote one.
fn dated(mut response: Response, clock: &Clock) -> Response {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + clock.now());
    if let (Entry::Vacant(entry), Ok(date)) =
        (response.headers_mut().entry(DATE), HeaderValue::try_from(date))
    {
        entry.insert(date);
    }
    response
}
