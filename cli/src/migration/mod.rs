//! `entrakey migration`: is a cache ready for its access keys to go off?

mod consequences;
mod diagnose;
mod evidence;

use crate::arm::{Arm, Cache, cache_id};
use crate::doctor::{Finding, Format, Ids, Resolver, Subject, Verdict, given, lines};
use crate::exit_code::{OK, PROBLEM, REFUSED};
use crate::failure::Failure;
use crate::identity::{IdentityArguments, config};
use crate::target::split;
use crate::terminal::{Progress, print};
use clap::Args;
use entrakey_core::{ConfigReport, Provider};
use evidence::Evidence;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// Is this cache ready for its access keys to go off?
///
/// Examples:
///
///     entrakey migration orders.redis.cache.windows.net
///     entrakey migration /subscriptions/…/providers/Microsoft.Cache/redis/orders --since 7d
///
/// Looks through Azure Resource Manager, as this identity, which needs the role Reader on the cache; changes nothing. Ends
/// with 0 if nothing speaks against it, and with 1 if something does.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// The cache, by its name or by its resource id.
    #[arg(value_name = "HOST[:PORT]|ID")]
    target: String,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// How far back the metrics of an Azure Cache for Redis are looked at: 1h, 7d.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = crate::duration::duration)]
    since: Duration,
    /// Take this address for a name, as curl does; may be repeated.
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = given)]
    resolve: Vec<(String, IpAddr)>,
    #[command(flatten)]
    identity: IdentityArguments,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let target = Target::read(&arguments.target).map_err(Failure::usage)?;
    arguments.identity.warn_of_exposed("migration");
    let progress = Progress::of("looking at the cache".to_owned());
    let keys = &arguments.identity.keys;
    let config = config(keys)?;
    let (report, provider) = (config.report()?, Provider::new(&config)?);
    let arm = Arm::sign_in(keys, &report)?;
    let mut subject = subject(target, &arm, &report)?;
    let evidence =
        Evidence::gather(&arm, &provider, &mut subject, &Resolver::new(&arguments.resolve), arguments.since)?;
    provider.close();
    drop(progress);
    let findings = diagnose::all(&evidence, &subject);
    let verdict = verdict(&findings);
    let text = match arguments.output {
        Format::Text => {
            format!("{}\n{}{}\n", evidence.cache.resource.id, lines(&findings), sentence(verdict))
        }
        Format::Json => {
            let steps: Vec<_> = findings.iter().map(Finding::json).collect();
            let document = json!({
                "schema": 1,
                "cache": {"id": evidence.cache.resource.id, "host": subject.host, "family": subject.family.name()},
                "identity": {"object_id": subject.ids.object_id, "client_id": subject.ids.client_id},
                "verdict": verdict,
                "steps": steps,
            });
            format!("{document:#}\n")
        }
    };
    print(text).map_err(|error| Failure::new(PROBLEM, format!("the report cannot be written: {error}")))?;
    Ok(if verdict == NOT_READY { PROBLEM } else { OK })
}

const NOT_READY: &str = "not_ready";
const NOT_DETERMINED: &str = "not_determined";

/// What follows from all steps: one that could not be seen leaves the answer open.
fn verdict(findings: &[Finding]) -> &'static str {
    match Verdict::of_all(findings) {
        Verdict::Problem => NOT_READY,
        Verdict::NotDetermined => NOT_DETERMINED,
        Verdict::Ok | Verdict::Skipped => "ready",
    }
}

fn sentence(verdict: &str) -> &'static str {
    match verdict {
        NOT_READY => "The cache is not ready for its access keys to go off.",
        NOT_DETERMINED => "Nothing speaks against it, but not everything could be seen.",
        _ => "Nothing speaks against switching its access keys off.",
    }
}

/// Says whose words they are.
fn of_arm(failure: Failure) -> Failure {
    Failure::new(failure.code, format!("Azure Resource Manager: {failure}"))
}

/// Which cache.
enum Target {
    Id(String),
    Host(String, Option<u16>),
}

impl Target {
    fn read(text: &str) -> Result<Self, String> {
        match text.starts_with('/') {
            true => cache_id(text).map(Self::Id),
            false => split(text).map(|(host, port)| Self::Host(host, port)),
        }
    }
}

fn subject(target: Target, arm: &Arm, report: &ConfigReport) -> Result<Subject, Failure> {
    let (cache, host, port) = match target {
        Target::Id(id) => (arm.cache(&id).map_err(of_arm)?, String::new(), None),
        Target::Host(host, port) => (named(arm, &host)?, host, port),
    };
    let family = cache.resource.product.family();
    let host = if cache.host.is_empty() { host } else { cache.host.clone() };
    let ids = Ids::configured(report);
    let port = port.unwrap_or_else(|| family.port());
    Ok(Subject { host, port, family, ids, resource: None, cache: Some(cache) })
}

fn named(arm: &Arm, host: &str) -> Result<Cache, Failure> {
    let found = arm.find(host).map_err(of_arm)?;
    found.ok_or_else(|| {
        let what = format!(
            "it shows this identity no cache with the name {host}: check the name, or give the identity the role Reader on \
             the cache"
        );
        of_arm(Failure::new(REFUSED, what))
    })
}
