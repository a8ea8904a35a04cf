//! What there is to see of a cache that is to do without access keys.

use super::of_arm;
use crate::arm::{Arm, Assignment, Cache, Product, Series};
use crate::doctor::{Connection, Outcome, Resolver, Subject, sign_in};
use crate::exit_code::REFUSED;
use crate::failure::Failure;
use entrakey_core::{DuringOutage, GetToken, Provider, Token, redacted};
use redis_protocol::resp2::types::OwnedFrame;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) struct Evidence {
    pub(super) cache: Cache,
    pub(super) assignments: Vec<Assignment>,
    pub(super) clients: Clients,
}

/// Who is connected, as far as the product tells.
pub(super) enum Clients {
    /// Azure Cache for Redis: how many are connected and how many with a token, by the minute.
    Metrics(Result<[Series; 2], String>),
    /// Azure Managed Redis: how many each user has, by CLIENT LIST.
    Users(Result<BTreeMap<String, usize>, String>),
}

const CONNECTED: &str = "connectedclients";
const WITH_TOKEN: &str = "ConnectedClientsUsingAADToken";

impl Evidence {
    pub(super) fn gather(
        arm: &Arm,
        provider: &Provider,
        subject: &mut Subject,
        resolver: &Resolver,
        since: Duration,
    ) -> Result<Self, Failure> {
        let cache = subject.cache.clone();
        let cache = cache.ok_or_else(|| of_arm(Failure::new(REFUSED, "it shows no cache")))?;
        let assignments = arm.assignments(&cache).map_err(of_arm)?;
        let how = GetToken { timeout: Some(PATIENCE), during_outage: DuringOutage::Report };
        let token = provider.get_token_with(how)?;
        subject.ids.object_id = Some(token.username().to_owned());
        let clients = match cache.product {
            Product::Classic => Clients::Metrics(metrics(arm, &cache, since)),
            Product::Managed => Clients::Users(users(provider, &token, subject, resolver)),
        };
        Ok(Self { cache, assignments, clients })
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

fn metrics(arm: &Arm, cache: &Cache, since: Duration) -> Result<[Series; 2], String> {
    let now = SystemTime::now();
    let start = now.checked_sub(since).unwrap_or(now);
    let [start, now] = [start, now].map(|time| humantime::format_rfc3339_seconds(time).to_string());
    let told = arm.metrics(cache, &[CONNECTED, WITH_TOKEN], &format!("{start}/{now}"));
    let told = told.map_err(|failure| failure.to_string())?;
    let series = |name: &str| {
        let found = told.iter().find(|(mine, _)| mine.eq_ignore_ascii_case(name));
        found.map(|(_, series)| series.clone()).ok_or_else(|| format!("it has no metric {name}"))
    };
    Ok([series(CONNECTED)?, series(WITH_TOKEN)?])
}

/// Signs in and asks who else is.
fn users(
    provider: &Provider,
    token: &Token,
    subject: &Subject,
    resolver: &Resolver,
) -> Result<BTreeMap<String, usize>, String> {
    let tls = Arc::new(provider.server_tls().map_err(|error| error.to_string())?);
    let ip = resolver.look_up(&subject.host)?.first().copied().ok_or("the name has no address")?;
    let connection = Connection::open(SocketAddr::new(ip, subject.port), tls, &subject.host);
    let mut connection = connection.map_err(|error| format!("no connection to {subject}: {error}"))?;
    match sign_in(&mut connection, token, provider) {
        Outcome::Accepted => {}
        Outcome::Refused { explanation, .. } => return Err(explanation),
        Outcome::Odd(text) => return Err(text),
    }
    let answer = connection.ask(&["CLIENT", "LIST"]).map_err(|error| error.to_string())?;
    match answer {
        OwnedFrame::Error(error) => {
            Err(format!("CLIENT LIST was answered \"{}\"", redacted(&error, &[token.secret()])))
        }
        OwnedFrame::BulkString(text) => Ok(by_user(&String::from_utf8_lossy(&text))),
        _ => Err("CLIENT LIST was answered with no text".to_owned()),
    }
}

/// Connections by user, from the lines of CLIENT LIST.
pub(super) fn by_user(lines: &str) -> BTreeMap<String, usize> {
    let mut users = BTreeMap::new();
    let of_lines =
        lines.lines().filter_map(|line| line.split(' ').find_map(|field| field.strip_prefix("user=")));
    for user in of_lines {
        *users.entry(user.to_owned()).or_default() += 1;
    }
    users
}
