//! `entrakey doctor`: what is wrong between this identity and a cache, and which command mends it.
//!
//! Each step has a file: `gather` looks, and `diagnose` judges what was seen and is pure.

mod access_key;
mod auth;
mod clock;
mod cluster;
mod configuration;
mod connection;
mod examination;
mod finding;
mod identity;
mod name;
mod permissions;
mod plaintext;
mod report;
mod resolver;
mod rotation;
mod subject;
mod tcp;
mod tls;
mod token;
mod way;

pub(crate) use auth::sign_in;
pub(crate) use cluster::{Slots, slots};
pub(crate) use connection::Connection;
pub(crate) use finding::{Cause, Finding, Verdict};
pub(crate) use report::lines;
pub(crate) use resolver::{Resolver, given};
#[cfg(test)]
pub(crate) use subject::for_tests;
pub(crate) use subject::{Ids, Subject};
pub(crate) use way::Way;

use crate::arm::cache_id;
use crate::exit_code::{OK, PROBLEM, TABLE_OF_FINDINGS};
use crate::failure::Failure;
use crate::family::Family;
use crate::identity::IdentityArguments;
use crate::target::split;
use crate::terminal::{Progress, print};
use clap::{Args, ValueEnum};
use cluster::Client;
use examination::{Examination, Wanted};
use std::net::IpAddr;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What the subcommand is called.
pub(crate) const NAME: &str = "doctor";

/// Look at everything between this identity and a cache, and say which command mends what is wrong.
///
/// Examples:
///
///     entrakey doctor orders.westeurope.redis.azure.net
///     entrakey doctor orders.redis.cache.windows.net:6380 --identity managed_identity
///     entrakey doctor localhost:10000 --client mapped -o json
///
/// Writes nothing to the cache. The report holds ids and no secret: it can go into a ticket.
#[derive(Args)]
#[command(verbatim_doc_comment, after_long_help = TABLE_OF_FINDINGS)]
pub(crate) struct Arguments {
    /// The cache: HOST or HOST:PORT. Without a port, that of the cache the name belongs to: 10000 or 6380.
    #[arg(value_name = "HOST[:PORT]")]
    target: String,
    /// How to print the report.
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Look only at what needs no network.
    #[arg(long)]
    offline: bool,
    /// Stay until a token has expired: a connection that signs in with each new one has to outlive it.
    #[arg(long, conflicts_with = "offline")]
    watch: bool,
    /// Take this address for a name, as curl does; may be repeated.
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = given)]
    resolve: Vec<(String, IpAddr)>,
    /// What the program's client does about clusters; what it would have to is a note if not given.
    #[arg(long, value_enum)]
    client: Option<Client>,
    /// What the program's keys begin with, for a policy that permits some keys only.
    #[arg(long, value_name = "TEXT")]
    key_prefix: Option<String>,
    /// A file with an access key to look at: is it taken, and if not, why.
    #[arg(long, value_name = "FILE")]
    access_key_path: Option<PathBuf>,
    /// The cache's resource id, if it is known; else it is looked for by its host name.
    #[arg(long, value_name = "ID", value_parser = cache_id)]
    cache_id: Option<String>,
    /// Ask Azure Resource Manager nothing.
    #[arg(long)]
    no_arm: bool,
    #[command(flatten)]
    identity: IdentityArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let (host, port) = split(&arguments.target).map_err(Failure::usage)?;
    let host = host.to_ascii_lowercase();
    arguments.identity.warn_of_exposed(NAME);
    let wanted = Wanted {
        family: Family::of(&host, port),
        host,
        port,
        is_offline: arguments.offline,
        is_watched: arguments.watch,
        resolver: Resolver::new(&arguments.resolve),
        client: arguments.client,
        key_prefix: arguments.key_prefix.clone(),
        access_key: arguments.access_key_path.as_ref().map(access_key).transpose()?,
        cache_id: arguments.cache_id.clone(),
        asks_arm: !arguments.no_arm,
    };
    // A rotation says itself how far it is.
    let progress = (!arguments.watch).then(|| Progress::of(format!("looking at {}", arguments.target)));
    let (subject, findings) = Examination::new(wanted, &arguments.identity.keys).run();
    drop(progress);
    let text = match arguments.output {
        Format::Text => report::text(&subject, &findings),
        Format::Json => format!("{:#}\n", report::document(&subject, &findings)),
    };
    print(text).map_err(|error| Failure::new(PROBLEM, format!("the report cannot be written: {error}")))?;
    Ok(if Verdict::of_all(&findings) == Verdict::Problem { PROBLEM } else { OK })
}

fn access_key(path: &PathBuf) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::usage(format!("{} cannot be read: {error}", path.display())))?;
    let key = Zeroizing::new(text.trim().to_owned());
    match key.is_empty() {
        true => Err(Failure::usage(format!(
            "{} is empty: write one of the cache's two keys into it",
            path.display()
        ))),
        false => Ok(key),
    }
}
