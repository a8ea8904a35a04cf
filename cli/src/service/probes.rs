//! A service's HTTP: probes, metrics, and the request to end.

use super::arguments::{HttpArguments, OperationArguments};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use axum::Router;
use entrakey_service::{Health, HttpServer, Life, admin, bind_tcp, health, resolve};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::sync::Notify;

/// Serves what the options ask for, until the process has ended.
pub(crate) async fn serve_probes(
    given: &OperationArguments,
    probes: Arc<impl Health>,
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
