//! `entrakey emulator`.

use crate::duration::duration;
use crate::exit_code::{OK, PROBLEM};
use crate::failure::Failure;
use crate::number::port;
use crate::redis::RedisArguments;
use crate::terminal::print;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use entrakey_emulator::{Emulator, GraphSettings, Options, Variables};
use serde_json::{Map, Value};
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

/// Run Entra, the managed identity endpoints and a Redis that checks tokens, on loopback.
///
/// Prints the environment that points a client at it, then runs until it is interrupted.
///
/// Examples:
///
///     entrakey emulator --token-lifetime 60s > env.sh &
///     . ./env.sh
///
/// Without --env these are the variables of a virtual machine (IMDS) and of an application with a secret. --env
/// chooses another place or way to have an identity; the others can be had from the running emulator:
///
///     eval "$(curl -s "$ENTRAKEY_EMULATOR_URL/emulator/environment/app_service?format=shell")"
#[derive(Args)]
#[command(verbatim_doc_comment, after_long_help = AFTER_HELP)]
pub(crate) struct Arguments {
    /// How long a token is valid: 8s, 5m, 1h, or a number of seconds.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = lifetime)]
    token_lifetime: Duration,
    /// Port of the managed identity endpoints and the control API (http); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT", value_parser = port)]
    http_port: u16,
    /// Port of Entra (https); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT", value_parser = port)]
    https_port: u16,
    /// Port of Service Fabric's endpoint (https); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT", value_parser = port)]
    fabric_port: u16,
    #[command(flatten)]
    redis: RedisArguments,
    /// Where to write the certificate of the authority that signed the servers' certificates.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Who exists: a TOML or JSON file with apps, managed identities and issuers.
    #[arg(long, value_name = "FILE")]
    identities: Option<PathBuf>,
    /// Print the default set of identities, a file for --identities to start from, and end.
    #[arg(long)]
    show_identities: bool,
    /// Where to write Azure Arc's key files; the emulator's own folder if not given. Microsoft's libraries read
    /// them in /var/opt/azcmagent/tokens only.
    #[arg(long, value_name = "FOLDER")]
    arc_key_folder: Option<PathBuf>,
    /// Which environment to print; "all" prints every one under its name, as JSON.
    #[arg(long, value_name = "NAME", value_parser = environment_names())]
    env: Option<String>,
    /// How to print the environment.
    #[arg(long, value_enum, default_value_t = Format::Env)]
    format: Format,
    /// How far the emulator's clock is ahead of the system's: 90s, 2h; or behind: -10m.
    #[arg(long, default_value = "0s", value_name = "TIME", value_parser = offset, allow_hyphen_values = true)]
    clock_offset: i64,
    /// How many seconds of the emulator's clock pass in one: 60 is an hour in a minute, 0 stops it.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR", value_parser = factor)]
    clock_scale: f64,
    /// Answer 20 requests a second and 5 at a time at IMDS, as on a virtual machine, and the rest with 429.
    #[arg(long)]
    imds_limits: bool,
    /// How long Entra does not take a secret yet that Graph has made: 250ms; on a live tenant some seconds.
    #[arg(long, default_value = "250ms", value_name = "TIME", value_parser = duration)]
    secret_delay: Duration,
    /// Say nothing of what happens.
    #[arg(long)]
    quiet: bool,
    /// End when standard input does: the process that started it has gone.
    #[arg(long)]
    exit_with_parent: bool,
}

const AFTER_HELP: &str = "\
Environments (--env):
  imds                a virtual machine or a Kubernetes node
  app_service         App Service, Functions, Container Apps
  azure_ml            Azure Machine Learning
  arc                 a machine elsewhere that Azure Arc manages
  cloud_shell         Cloud Shell: the signed-in user
  service_fabric      Service Fabric, with a certificate that nobody signed
  client_secret       an application with a secret
  client_certificate  an application with a certificate
  workload_identity   a pod whose service account an application trusts
  azure_pipelines     a pipeline job with a service connection
  all                 each of these under its name, and \"default\": what is printed without --env

Control, while it runs, by the command or over http on ENTRAKEY_EMULATOR_URL (JSON, /emulator/openapi.json):
  entrakey control                                  lists all that can be told and asked
  entrakey control stats                            what has happened, counted
  entrakey control requests route=imds              what was asked, without secrets
  entrakey control environment kind=arc format=shell
  entrakey control add_faults '{\"route\": \"imds\", \"answers\": [{\"status\": 429, \"times\": 3}, {\"hang\": true}]}'
  entrakey control set_clock advance_ms=3600000     an hour later
  entrakey control rotate_keys                      a new key signs; the old one is believed until retire_keys

A scripted answer (POST /emulator/faults) is given in order, as often as \"times\" says, after \"delay_ms\":
  {\"status\": 502, \"headers\": {}, \"body\": \"<html>\"}   {\"hang\": true}   {\"reset\": true}   {\"garbage\": true}
  instead of the real answer; or the real one, with
  \"token\": expired, not_yet_valid, wrong_audience, wrong_object_id, unknown_key, bad_signature, no_oid or cached;
  \"lifetime_seconds\": 60; \"numbers_as_strings\": true or \"strings_as_numbers\": true; \"truncate\": true or bytes.

The emulator's folder (ENTRAKEY_EMULATOR_DIRECTORY) is removed when it ends; what a killed one left, the next one
removes.";

/// The names for --env. Which of them a file of identities has, is known once it is read.
fn environment_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Emulator::environment_names().into_iter().chain(["all"]))
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Lines for a shell: export NAME='value'
    Env,
    /// One line of JSON: {"NAME": "value", …}
    Json,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(time) if time < Duration::from_secs(1) => Err("a token lives for a second at least".to_owned()),
        other => other,
    }
}

fn factor(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "a number is needed: 60, or 0.5".to_owned())
}

/// In milliseconds.
fn offset(text: &str) -> Result<i64, String> {
    let (time, sign) = match text.strip_prefix('-') {
        Some(time) => (time, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    let time = humantime::parse_duration(time)
        .map_err(|_| "a time is needed: 90s, 2h, or -10m for one that is past")?;
    i64::try_from(time.as_millis()).map(|ms| sign * ms).map_err(|error| error.to_string())
}

pub(crate) fn run(arguments: Arguments) -> Result<u8, Failure> {
    if arguments.show_identities {
        print(entrakey_emulator::DEFAULT_IDENTITIES)?;
        return Ok(OK);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(PROBLEM, format!("no thread can be started: {error}")))?;
    runtime.block_on(serve(arguments))?;
    runtime.shutdown_background(); // reading standard input cannot be interrupted
    Ok(OK)
}

async fn serve(arguments: Arguments) -> Result<(), Failure> {
    let options = Options {
        http_port: arguments.http_port,
        https_port: arguments.https_port,
        fabric_port: arguments.fabric_port,
        redis: arguments.redis.into(),
        token_lifetime: arguments.token_lifetime,
        clock_offset_ms: arguments.clock_offset,
        clock_scale: arguments.clock_scale,
        imds_limits: arguments.imds_limits,
        ca_file: arguments.ca_file,
        identities: arguments.identities,
        arc_key_folder: arguments.arc_key_folder,
        graph: GraphSettings {
            secret_delay_ms: arguments.secret_delay.as_millis().try_into().unwrap_or(u64::MAX),
            ..GraphSettings::default()
        },
        verbose: !arguments.quiet,
    };
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hangup = signal(SignalKind::hangup())?; // the terminal was closed
    let emulator = Emulator::start(options).await?;
    let text = match arguments.env.as_deref() {
        None => written(arguments.format, &[], &emulator.environment())?,
        Some("all") => format!("{}\n", all(&emulator).await?),
        Some(name) => written(arguments.format, &emulator.foreign_to(name), &emulator.env(name).await?)?,
    };
    print(&text)?;
    tokio::select! {
        _ = hangup.recv() => (),
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        () = parent_gone(), if arguments.exit_with_parent => (),
    }
    emulator.shutdown();
    Ok(())
}

/// `foreign` are variables that belong to other environments: a shell takes them away.
fn written(format: Format, foreign: &[String], variables: &Variables) -> Result<String, Failure> {
    match format {
        Format::Env => Ok(entrakey_emulator::for_shell(foreign, variables)),
        Format::Json => Ok(format!("{}\n", serde_json::to_string(&object(variables))?)),
    }
}

fn object(variables: &Variables) -> Map<String, Value> {
    variables.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

/// Every environment under its name.
async fn all(emulator: &Emulator) -> Result<Value, Failure> {
    let mut all = Map::from_iter([("default".to_owned(), object(&emulator.environment()).into())]);
    for name in Emulator::environment_names().into_iter().filter(|name| emulator.has_env(name)) {
        all.insert(name.to_owned(), object(&emulator.env(name).await?).into());
    }
    Ok(all.into())
}

async fn parent_gone() {
    let (mut stdin, mut nothing) = (tokio::io::stdin(), [0; 64]);
    while matches!(stdin.read(&mut nothing).await, Ok(1..)) {}
}
