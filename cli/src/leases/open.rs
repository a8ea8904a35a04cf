//! The store and the manager, as options and the file want them.

use super::arguments::{AzureArguments, PlaceArguments};
use super::file::{File, place};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::identity::Keys;
use entrakey_core::{Config, Provider};
use entrakey_leases::{Azure, Clock, Endpoints, Live, Manager, Place, SecretPlan, Store};
use entrakey_service::{Format, Log, Severity};
use std::sync::Arc;

/// Everything that a manager is made of.
pub(crate) struct Parts<'a> {
    pub(crate) file: &'a File,
    pub(crate) keys: &'a Keys,
    pub(crate) azure: &'a AzureArguments,
    pub(crate) log: Log,
}

pub(crate) fn problem(what: impl std::fmt::Display) -> Failure {
    Failure::new(PROBLEM, format!("{what}."))
}

/// What trusts a database's certificate: whatever token requests trust.
pub(super) fn tls() -> Result<tokio_rustls::rustls::ClientConfig, Failure> {
    let mut config = Config::new().called("given to the leases");
    config.set("identity", "managed_identity")?; // nobody is asked for a token
    let provider = Provider::new(&config)?;
    let mut tls = provider.server_tls()?;
    // PostgreSQL's servers know no other.
    tls.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(tls)
}

/// A store of nothing, for what needs none.
pub(super) async fn empty_store() -> Result<Store, Failure> {
    Store::open(Place::Memory, false).await.map_err(problem)
}

pub(super) async fn store(
    given: &PlaceArguments,
    file: Option<&File>,
    serves: bool,
) -> Result<Store, Failure> {
    Store::open(place(given, file)?, serves).await.map_err(problem)
}

pub(crate) fn manager(parts: Parts<'_>, store: Store) -> Result<Arc<Manager>, Failure> {
    let (plan, common) = parts.file.plan(parts.keys)?;
    let endpoints = endpoints(&common, parts.azure)?;
    let azure = |secret: &SecretPlan| -> Result<Arc<dyn Azure>, String> { live(secret, &endpoints) };
    Manager::new(plan, store, Arc::new(Clock::system()), parts.log, azure)
        .map_err(|what| parts.file.refuse(what))
}

pub(super) fn endpoints(common: &Config, azure: &AzureArguments) -> Result<Endpoints, Failure> {
    let cloud = common.effective()?.get("cloud").unwrap_or("public").to_owned();
    let (graph, manager) = (azure.graph_endpoint.as_deref(), azure.arm_endpoint.as_deref());
    Endpoints::new(&cloud, graph, manager).map_err(|what| Failure::usage(format!("{what}.")))
}

pub(super) fn live(secret: &SecretPlan, endpoints: &Endpoints) -> Result<Arc<dyn Azure>, String> {
    let live = Live::new(&secret.identity, endpoints.clone());
    live.map(|live| Arc::new(live) as Arc<dyn Azure>).map_err(|error| error.message().to_owned())
}

/// Of an order that is no service: it says what it finds by itself.
pub(super) fn silent() -> Result<Log, Failure> {
    Log::to_stderr(Format::Human, Severity::Error).map_err(crate::service::no_thread)
}

/// Runs an order that waits for something.
pub(super) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(crate::service::no_thread)?;
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}
