//! A proxy inside this process for one command: a free port of loopback, and a password that nobody else knows.

use super::arguments::{ProcessArguments, UpstreamArguments};
use super::plan::{Plan, Upstream};
use super::service::Shared;
use super::start::{Running, start};
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::identity::Keys;
use crate::target::Target;
use clap::{Args, Command};
use entrakey_service::{Connections, Life, Log, Workers};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// What is to be served.
pub(crate) struct PrivateOptions {
    pub(crate) target: Target,
    pub(crate) keys: Keys,
    pub(crate) connect_timeout: Duration,
    /// Whether the whole way is tried first.
    pub(crate) with_connection_test: bool,
}

/// It serves until the process ends.
pub(crate) struct Private {
    address: SocketAddr,
    password: Zeroizing<String>,
    _running: Running,
}

impl Private {
    /// Must be called in a runtime, which serves it.
    pub(crate) async fn open(options: PrivateOptions, log: &Log) -> Result<Self, Failure> {
        let password = random_password()?;
        let clients = UpstreamArguments {
            port: Some(0),
            password: Some(password.clone()),
            connect_timeout: options.connect_timeout,
            ..defaults()?
        };
        let process = ProcessArguments { run_connection_test: options.with_connection_test, ..defaults()? };
        let upstream = Upstream { target: options.target, clients, keys: options.keys };
        let plan = Plan { process, upstreams: vec![upstream], exposed: Vec::new() };
        let workers = Workers::start()
            .map_err(|error| Failure::new(PROBLEM, format!("No thread can be started: {error}.")))?;
        let shared = Shared {
            connections: Connections::at_most(None),
            workers,
            life: Life::default(),
            log: log.clone(),
        };
        let running = start(&plan, Vec::new(), &shared, &Arc::new(Notify::new())).await?;
        let address = running.addresses.first().copied();
        let address = address.ok_or_else(|| Failure::new(PROBLEM, "The private proxy has no port."))?;
        Ok(Self { address, password, _running: running })
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What they give in AUTH.
    pub(crate) fn password(&self) -> &str {
        &self.password
    }
}

/// What options are if none is typed.
fn defaults<T: Args>() -> Result<T, Failure> {
    let matches = T::augment_args(Command::new(super::NAME)).try_get_matches_from([super::NAME]);
    matches.and_then(|matches| T::from_arg_matches(&matches)).map_err(|error| Failure::new(PROBLEM, error))
}

/// In letters that mean the same in a URL and in a shell.
fn random_password() -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new([0_u8; 24]);
    getrandom::getrandom(&mut *bytes)
        .map_err(|error| Failure::new(PROBLEM, format!("The system has no random numbers: {error}.")))?;
    let mut text = Zeroizing::new(String::with_capacity(bytes.len() * 2));
    for byte in bytes.iter() {
        let _ = write!(text, "{byte:02x}"); // to a string
    }
    Ok(text)
}
