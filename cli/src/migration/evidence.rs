//! What there is to see of a cache that is to do without access keys.

use super::of_arm;
use crate::arm::{Arm, Assignment, Cache, Product, Series};
use crate::doctor::{Connection, Finding, Resolver, Slots, Subject, Verdict, Way, sign_in, slots};
use crate::exit_code::REFUSED;
use crate::failure::Failure;
use entrakey_core::{DuringOutage, GetToken, Provider, Token, read_claims, redacted};
use redis_protocol::resp2::types::OwnedFrame;
use std::collections::BTreeMap;
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
    /// Azure Managed Redis: who is connected now, by CLIENT LIST.
    Users(Result<Connected, String>),
}

/// The connections that there are at this moment.
#[derive(Debug, Default)]
pub(super) struct Connected {
    /// How many each user has.
    pub(super) users: BTreeMap<String, usize>,
    /// How many nodes have told.
    pub(super) nodes: usize,
    /// The nodes that have not, and why.
    pub(super) unasked: Vec<String>,
}

impl Connected {
    fn add(&mut self, users: BTreeMap<String, usize>) {
        self.nodes += 1;
        for (user, count) in users {
            *self.users.entry(user).or_default() += count;
        }
    }
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
        let claims = read_claims(token.secret());
        subject.ids = subject.ids.clone().with_token(claims.as_ref(), token.username());
        let clients = match cache.resource.product {
            Product::Classic => Clients::Metrics(metrics(arm, &cache, since)),
            Product::Managed => Clients::Users(connected(provider, &token, subject, resolver)),
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

/// Signs in and asks who else is, each node of a cluster: it knows its own connections.
fn connected(
    provider: &Provider,
    token: &Token,
    subject: &Subject,
    resolver: &Resolver,
) -> Result<Connected, String> {
    let (findings, way) = Way::find(provider, resolver, subject);
    let mut way = way.ok_or_else(|| why_no_way(&findings))?;
    if let Some(why) = sign_in(&mut way.connection, token, provider).failure() {
        return Err(why);
    }
    let mut connected = Connected::default();
    let nodes = match slots(&mut way).map_err(|error| error.to_string())? {
        Slots::Nodes(nodes) => nodes,
        Slots::None => Vec::new(),
        Slots::Forbidden => {
            connected
                .unasked
                .push("other nodes, if there are any: CLUSTER SLOTS is not permitted".to_owned());
            Vec::new()
        }
    };
    if nodes.is_empty() {
        connected.add(listed(&mut way.connection, token)?);
    }
    for (host, port) in nodes {
        let users = way.open_at(port).map_err(|error| error.to_string()).and_then(|mut connection| {
            match sign_in(&mut connection, token, provider).failure() {
                None => listed(&mut connection, token),
                Some(why) => Err(why),
            }
        });
        match users {
            Ok(users) => connected.add(users),
            Err(why) => connected.unasked.push(format!("the node {host}:{port}: {why}")),
        }
    }
    match connected.nodes {
        0 => Err(connected.unasked.join("; ")),
        _ => Ok(connected),
    }
}

/// What the doctor would say of the first step that went wrong.
fn why_no_way(findings: &[Finding]) -> String {
    let wrong = findings.iter().find(|finding| finding.verdict != Verdict::Ok);
    let text = |finding: &Finding| {
        let cause = finding.causes.first().map(|cause| cause.text.clone());
        cause.or_else(|| finding.evidence.first().cloned())
    };
    wrong.and_then(text).unwrap_or_else(|| "no connection could be made".to_owned())
}

fn listed(connection: &mut Connection, token: &Token) -> Result<BTreeMap<String, usize>, String> {
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
