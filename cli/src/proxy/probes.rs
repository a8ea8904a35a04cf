//! The proxy's HTTP: probes, metrics, and the request to end.

use super::arguments::{HttpArguments, ProcessArguments};
use super::metrics;
use super::service::Service;
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use axum::Router;
use entrakey_core::Provider;
use entrakey_service::{Connections, Health, HttpServer, Life, admin, bind_tcp, health, resolve};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Notify;

/// What is known of the process.
pub(super) struct Probes {
    pub(super) services: Vec<Arc<Service>>,
    pub(super) providers: Vec<Provider>,
    pub(super) connections: Connections,
}

impl Health for Probes {
    /// No server is dialled: probes that did filled logs and made outages worse.
    fn readiness(&self) -> Result<(), String> {
        if let Some(full) = self.connections.full() {
            return Err(full.to_string());
        }
        let without = self.providers.iter().find(|provider| provider.with_usable(|_| ()).is_none());
        let Some(provider) = without else { return Ok(()) };
        let status = provider.status();
        let of = status.name.map(|name| format!(" of {name}")).unwrap_or_default();
        let last =
            status.last_error.map(|error| format!(" ({}, see the log)", error.kind)).unwrap_or_default();
        Err(format!("no usable token{of}{last}"))
    }

    fn metrics(&self) -> (String, &'static str) {
        metrics::render(&self.services, &self.providers)
    }
}

/// Serves what the options ask for, until the process has ended.
pub(super) async fn start(
    given: &ProcessArguments,
    probes: Arc<Probes>,
    life: &Life,
    quit: &Arc<Notify>,
) -> Result<(), Failure> {
    if given.health_check || given.prometheus {
        let HttpArguments { http_address, http_port } = &given.http;
        let address = resolve(http_address)
            .await
            .map_err(|error| Failure::usage(format!("--http-address: {error}")))?;
        let router = health(&probes, life, given.health_check, given.prometheus);
        serve(SocketAddr::new(address, *http_port), router, life, "choose another one with --http-port")
            .await?;
    }
    if given.quitquitquit {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, given.admin.admin_port));
        serve(address, admin(quit.clone()), life, "choose another one with --admin-port").await?;
    }
    Ok(())
}

async fn serve(address: SocketAddr, router: Router, life: &Life, remedy: &str) -> Result<(), Failure> {
    let failed = |error| Failure::new(PROBLEM, error);
    let listener = bind_tcp(address, remedy).await.map_err(failed)?;
    let server = HttpServer::new(listener, router).map_err(failed)?;
    tokio::spawn(server.run(life.clone()));
    Ok(())
}
