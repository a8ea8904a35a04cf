//! The OSS cluster policy: each node that the server names has a port of its own here.

use super::front::Front;
use super::service::Service;
use crate::failure::Failure;
use entrakey_proxy::{Node, NodeListeners};
use entrakey_service::Severity;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Bounds of the time after which a server that could not be asked is asked again.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Takes clients for every node that a client hears of, until the process ends.
pub(super) async fn serve_nodes(mut listeners: NodeListeners, service: Arc<Service>) {
    while let Some(Node { port, listener }) = listeners.recv().await {
        let front = match TcpListener::from_std(listener) {
            Ok(listener) => Front::Tcp(listener),
            Err(error) => {
                service.cannot_take(&error);
                continue;
            }
        };
        let what = format_args!("{} is for the server's node {port}", front.name());
        service.shared.log.line(Severity::Info, what, &[("upstream", &service.name)]);
        let endpoint = service.server.node(port);
        service.keep_warm(&endpoint.proxy);
        tokio::spawn(front.run(service.clone(), endpoint));
    }
}

/// Asks servers whose clients have a Unix socket alone whether nodes need ports.
pub(super) fn ask_whether_ports_are_needed(services: &[Arc<Service>]) -> JoinSet<Option<Failure>> {
    let lacking = services.iter().filter(|service| !service.nodes.have_address()).cloned();
    lacking.map(|service| async move { needs_ports(&service).await }).collect()
}

/// The first one that needs them: nothing works then.
pub(super) async fn needs_a_port(asked: &mut JoinSet<Option<Failure>>) -> Failure {
    while let Some(answer) = asked.join_next().await {
        if let Ok(Some(failure)) = answer {
            return failure;
        }
    }
    pending().await
}

async fn needs_ports(service: &Service) -> Option<Failure> {
    let mut pause = RETRY.0;
    loop {
        match service.server.proxy.has_cluster_policy().await {
            Ok(false) => return None,
            Ok(true) => {
                return Some(Failure::usage(format!(
                    "{} has the OSS cluster policy: each of its nodes needs a port, and with --unix-socket alone there is \
                     none. Add --port or --address, or give the Redis the Enterprise policy.",
                    service.name
                )));
            }
            Err(_) => tokio::time::sleep(pause).await, // its clients are told why
        }
        pause = (pause * 2).min(RETRY.1);
    }
}
