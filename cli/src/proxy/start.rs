//! From a plan to services that run.

use super::arguments::UpstreamArguments;
use super::cluster::{ask_whether_ports_are_needed, serve_nodes};
use super::endpoint::Endpoint;
use super::front::{Front, Reach, adopt, open};
use super::names::names;
use super::password::{is_readable_by_all, password};
use super::plan::{Plan, Upstream};
use super::probes::Probes;
use super::providers::{Providers, exit_code};
use super::service::{Refused, Service, Shared};
use crate::exit_code::{NETWORK, REFUSED};
use crate::failure::Failure;
use crate::service::{serve_probes, tell_of_given, tell_starting};
use entrakey_core::Provider;
use entrakey_proxy::{DialFailure, NodeListeners, Nodes, Options, Proxy};
use entrakey_service::{Activated, Log, Repeats, Severity, Stage, server_config};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// What ends with the process, or when it is dropped.
pub(super) struct Running {
    pub(super) fronts: Vec<JoinHandle<()>>,
    /// The ports that they listen on.
    pub(super) addresses: Vec<SocketAddr>,
    /// Whether a Redis has nodes that cannot have a port.
    pub(super) asked: JoinSet<Option<Failure>>,
    pub(super) _providers: Providers,
}

/// Everything that can fail at the beginning does so before the first client is taken.
pub(super) async fn start(
    plan: &Plan,
    handed: Vec<Activated>,
    shared: &Shared,
    quit: &Arc<Notify>,
) -> Result<Running, Failure> {
    tell_of_given(&plan.exposed, &shared.log);
    warn_of_readable(plan, &shared.log);
    let names = names(&plan.upstreams);
    let providers = Providers::new(&plan.upstreams, &names, &shared.log)?;
    let each = plan.upstreams.iter().zip(names).zip(providers.of_each());
    let services = each.map(|((upstream, name), provider)| service(upstream, name, provider, shared));
    let (services, nodes): (Vec<_>, Vec<_>) = services.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let fronts = fronts(plan, handed, &services).await?;
    for (front, service) in &fronts {
        front.address().into_iter().for_each(|address| service.nodes.listen_on(address.ip()));
    }
    let (all, connections) = (providers.all(), shared.connections.clone());
    let probes = Probes { services: services.clone(), providers: all, connections };
    serve_probes(&plan.process.operation, Arc::new(probes), &shared.life, quit).await?;
    if plan.process.run_connection_test {
        tell_starting(plan.upstreams.iter().map(|one| one.clients.connect_timeout).sum(), &shared.log);
        for (service, provider) in services.iter().zip(providers.of_each()) {
            test(service, provider).await?;
        }
    }
    providers.fetch();
    shared.life.enter(Stage::Started);
    let run = |(front, service): (Front, Arc<Service>)| {
        tell(&front, &service);
        let server = service.server.clone();
        tokio::spawn(front.run(service, server))
    };
    let addresses = fronts.iter().filter_map(|(front, _)| front.address()).collect();
    let fronts = fronts.into_iter().map(run).collect();
    for (service, listeners) in services.iter().zip(nodes) {
        tokio::spawn(serve_nodes(listeners, service.clone()));
        service.keep_warm(&service.server.proxy);
    }
    let asked = ask_whether_ports_are_needed(&services);
    Ok(Running { fronts, addresses, asked, _providers: providers })
}

fn warn_of_readable(plan: &Plan, log: &Log) {
    let files = plan.upstreams.iter().filter_map(|upstream| upstream.clients.password_file.as_deref());
    for file in files.filter(|file| is_readable_by_all(file)) {
        let file = file.display();
        let what =
            format_args!("every user of this machine can read --password-file {file}: chmod 600 {file}");
        log.line(Severity::Warning, what, &[]);
    }
}

/// Where each upstream's clients come in: what systemd has opened, or what the options say.
async fn fronts(
    plan: &Plan,
    handed: Vec<Activated>,
    services: &[Arc<Service>],
) -> Result<Vec<(Front, Arc<Service>)>, Failure> {
    let (mut fronts, mut taken) = (Vec::new(), Vec::new());
    let mut pairs = plan.upstreams.iter().zip(services);
    if handed.is_empty() {
        for (upstream, service) in pairs {
            let opened = open(&upstream.clients, &mut taken).await?;
            fronts.extend(opened.into_iter().map(|front| (front, service.clone())));
        }
        return Ok(fronts);
    }
    let (Some((upstream, service)), None) = (pairs.next(), pairs.next()) else {
        let what =
            "systemd hands over sockets, and nothing says for which upstream: start one proxy for each";
        return Err(Failure::usage(what));
    };
    for socket in handed {
        fronts.push((adopt(socket, &upstream.clients)?, service.clone()));
    }
    Ok(fronts)
}

fn service(
    upstream: &Upstream,
    name: String,
    provider: &Provider,
    shared: &Shared,
) -> Result<(Arc<Service>, NodeListeners), Failure> {
    let clients = &upstream.clients;
    let config = provider.server_tls().map_err(|error| Failure::usage(error.message()))?;
    let target = &upstream.target;
    let server = entrakey_proxy::Upstream::verified(&target.host, target.port, Arc::new(config))
        .map_err(Failure::usage)?;
    let server = server.with_connect_timeout(clients.connect_timeout);
    let tls = acceptor(clients, &shared.log)?;
    let (nodes, listeners) = Nodes::new(tls.is_some());
    let options = Options { password: password(clients)?, nodes: Some(nodes.clone()) };
    let has_password = options.password.is_some();
    let service = Service {
        name,
        server: Endpoint::new(Proxy::new(server, provider.clone(), options)),
        warm: clients.warm,
        nodes,
        tls,
        has_password,
        allowed: clients.allow_uid.clone(),
        shared: shared.clone(),
        refused: Refused::default(),
        misuses: Repeats::default(),
    };
    Ok((Arc::new(service), listeners))
}

/// TLS for clients. That the two options come together is checked here too: clap does not look at those from a file.
fn acceptor(clients: &UpstreamArguments, log: &Log) -> Result<Option<TlsAcceptor>, Failure> {
    match (&clients.tls_certificate, &clients.tls_key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            let config = server_config(certificate, key, log);
            let config = config.map_err(|error| Failure::usage(format!("--tls-certificate: {error}")))?;
            Ok(Some(TlsAcceptor::from(config)))
        }
        _ => Err(Failure::usage("TLS for clients takes both, tls-certificate and tls-key.")),
    }
}

/// Whether the whole way works: "listening" is easily taken for it.
async fn test(service: &Service, provider: &Provider) -> Result<(), Failure> {
    let name: &dyn std::fmt::Display = &service.name;
    match service.server.proxy.test().await {
        Ok(dialed) => {
            let what = format_args!(
                "the connection works: connecting took {} ms (token, TLS, AUTH, PING), as user {}",
                dialed.took.as_millis(),
                dialed.username
            );
            service.shared.log.line(
                Severity::Info,
                what,
                &[("upstream", name), ("address", &dialed.address)],
            );
            Ok(())
        }
        Err(error) => {
            let code = match error.failure {
                DialFailure::Auth => REFUSED,
                DialFailure::Token => exit_code(provider).unwrap_or(NETWORK),
                _ => NETWORK,
            };
            Err(Failure::new(code, format!("the connection test failed: {error}")))
        }
    }
}

fn tell(front: &Front, service: &Service) {
    let (log, name) = (&service.shared.log, front.name());
    log.line(Severity::Info, format_args!("listening on {name}"), &[("upstream", &service.name)]);
    if service.has_password {
        return;
    }
    match front.reach() {
        Reach::Owner => {}
        _ if front.is_unix() && !service.allowed.is_empty() => {}
        Reach::Group(group) => log.line(
            Severity::Info,
            format_args!(
                "the members of the group {group} can use the identity by {name}: --unix-socket-mode 0600, --allow-uid or \
                 --password-file narrow that down"
            ),
            &[],
        ),
        Reach::Machine => {
            let narrower = if front.is_unix() { "--allow-uid" } else { "--unix-socket" };
            let what = format_args!(
                "every user of this machine can use the identity by {name}: {narrower} or --password-file narrow that down"
            );
            log.line(Severity::Info, what, &[]);
        }
        Reach::Network => log.line(
            Severity::Warning,
            format_args!("everybody who reaches {name} can use the identity: --password-file narrows that down"),
            &[],
        ),
    }
}
