//! `entrakey token`.
//!
//! It prints to a terminal too, as `az account get-access-token` does and its users expect: the token ends within the day, whoever
//! sees the terminal could type the command as well, and a question would stop scripts that run under a pty.

use crate::exit_code::OK;
use crate::failure::Failure;
use crate::identity::{IdentityArguments, config};
use crate::shell::quoted;
use crate::terminal::{Progress, print};
use clap::{Args, ValueEnum};
use entrakey_core::{Provider, Token, read_claims};
use serde_json::{Value, json};
use std::time::{Duration, UNIX_EPOCH};
use zeroize::Zeroizing;

/// Print an access token for Redis: the password of AUTH, whose user name is the identity's object id.
///
/// It is a bearer secret until it expires. For what runs longer than that, use `entrakey exec` or `entrakey proxy`.
///
/// Examples:
///
///     entrakey token                                   the token alone
///     entrakey token -o json                           username, accessToken, expires_on, expiresOn, tenant
///     entrakey token --claims                          what the token says, without its signature
///     eval "$(entrakey token -o env)"                  REDIS_USERNAME, REDIS_PASSWORD, REDISCLI_AUTH
///     redis-cli --tls -h mycache.westeurope.redis.azure.net -p 10000 --user "$REDIS_USERNAME"
///     entrakey token --identity managed_identity --client-id 00000000-0000-0000-0000-000000000000
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Print the token's claims as JSON, and not the token.
    #[arg(long, conflicts_with = "output")]
    claims: bool,
    #[command(flatten)]
    identity: IdentityArguments,
}

#[derive(Clone, Copy, ValueEnum)]
enum Output {
    /// The token and a line break
    Text,
    /// {"username": …, "accessToken": …, "expires_on": 1796000000, "expiresOn": "2026-11-28T18:00:00Z", "tenant": …}
    Json,
    /// Lines for a shell: export REDIS_PASSWORD='…'
    Env,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    arguments.identity.warn_of_exposed("token");
    let provider = Provider::new(&config(&arguments.identity.keys)?)?;
    let progress = Progress::of("waiting for a token");
    let token = provider.get_token()?;
    drop(progress);
    let claims = read_claims(token.secret());
    let text = if arguments.claims { shown(claims)? } else { written(arguments.output, &token, claims)? };
    print(text.as_str())?;
    Ok(OK)
}

fn shown(claims: Option<Value>) -> Result<Zeroizing<String>, Failure> {
    let claims = claims.ok_or_else(|| {
        Failure::new(crate::exit_code::PROBLEM, "The token is no JWT: it has no claims that can be read.")
    })?;
    Ok(Zeroizing::new(format!("{claims:#}\n")))
}

fn written(output: Output, token: &Token, claims: Option<Value>) -> Result<Zeroizing<String>, Failure> {
    let (username, secret) = (token.username(), token.secret());
    Ok(Zeroizing::new(match output {
        Output::Text => format!("{secret}\n"),
        Output::Json => {
            let expires = Duration::from_secs(token.expires_unix_ms() / 1000);
            let tenant = claims.map(|claims| claims["tid"].clone());
            let object = json!({
                "username": username,
                "accessToken": secret,
                "expires_on": expires.as_secs(),
                "expiresOn": humantime::format_rfc3339_seconds(UNIX_EPOCH + expires).to_string(),
                "tenant": tenant,
            });
            format!("{object:#}\n")
        }
        Output::Env => {
            let name = quoted(username);
            let secret = quoted(secret);
            format!(
                "export REDIS_USERNAME={name}\nexport REDIS_PASSWORD={secret}\nexport REDISCLI_AUTH={secret}\n"
            )
        }
    }))
}
