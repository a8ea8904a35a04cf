//! `entrakey emulator`.

use clap::{Args, ValueEnum};
use entrakey_emulator::{Emulator, Options};
use std::error::Error;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::signal::unix::{SignalKind, signal};

/// Run Entra, a managed identity endpoint and a Redis that checks tokens, on loopback.
///
/// Prints the environment that points a client at it, then runs until it is interrupted:
///
///     entrakey emulator --token-lifetime 60s > env.sh &
///     . ./env.sh
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// How long a token is valid: 8s, 5m, 1h, or a number of seconds.
    #[arg(long, default_value = "1h", value_name = "TIME", value_parser = lifetime)]
    token_lifetime: Duration,
    /// Port of the managed identity endpoint (http); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    http_port: u16,
    /// Port of Entra (https); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    https_port: u16,
    /// Port of the Redis (TLS); 0 takes a free one.
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    redis_port: u16,
    /// Where to write the certificate of the authority that signed the servers' certificates.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// How to print the environment.
    #[arg(long, value_enum, default_value_t = Format::Env)]
    format: Format,
    /// Say nothing of what happens.
    #[arg(long)]
    quiet: bool,
    /// End when standard input does: whoever started it has gone.
    #[arg(long)]
    exit_with_parent: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Lines for a shell: export NAME='value'
    Env,
    /// One line of JSON: {"NAME": "value", …}
    Json,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|error| error.to_string()),
    };
    match parsed {
        Ok(time) if time < Duration::from_secs(1) => Err("a token lives for a second at least".to_owned()),
        other => other,
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))?;
    runtime.shutdown_background(); // reading standard input cannot be interrupted
    Ok(())
}

async fn serve(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    let options = Options {
        http_port: arguments.http_port,
        https_port: arguments.https_port,
        redis_port: arguments.redis_port,
        token_lifetime: arguments.token_lifetime,
        ca_file: arguments.ca_file,
        verbose: !arguments.quiet,
    };
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let emulator = Emulator::start(options).await?;
    print(arguments.format, &emulator.environment())?;
    tokio::select! {
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        () = parent_gone(), if arguments.exit_with_parent => (),
    }
    emulator.shutdown();
    Ok(())
}

fn print(format: Format, environment: &[(&str, String)]) -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    match format {
        Format::Env => {
            for (name, value) in environment {
                writeln!(out, "export {name}='{}'", value.replace('\'', r"'\''"))?;
            }
        }
        Format::Json => {
            let map: serde_json::Map<_, _> =
                environment.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            writeln!(out, "{}", serde_json::to_string(&map)?)?;
        }
    }
    Ok(out.flush()?)
}

async fn parent_gone() {
    let (mut stdin, mut nothing) = (tokio::io::stdin(), [0; 64]);
    while matches!(stdin.read(&mut nothing).await, Ok(1..)) {}
}
