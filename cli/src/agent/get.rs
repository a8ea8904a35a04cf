//! `entrakey agent get`.

use super::arguments::{GetArguments, GetOutput};
use super::place;
use super::socket::{self, Refused};
use crate::exit_code::{self, NETWORK, OK, PROBLEM, REFUSED, USAGE};
use crate::failure::Failure;
use crate::shell::quoted;
use crate::terminal::{Progress, print};
use entrakey_core::ErrorKind;
use serde_json::Value;
use zeroize::Zeroizing;

pub(super) fn run(given: &GetArguments) -> Result<u8, Failure> {
    let socket = place::of_order(&given.place)?.socket;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if given.id.is_empty() || !given.id.chars().all(is_plain) {
        return Err(Failure::usage(
            "ID: an identity's id has letters of English, digits, \"-\", \"_\" and \".\" only.",
        ));
    }
    let progress = Progress::of("waiting for a token");
    let text = socket::get(&socket, &format!("/v1/secrets/{}", given.id))?.map_err(failure)?;
    drop(progress);
    print(written(given.output, &text)?.as_str())?;
    Ok(OK)
}

fn failure(refused: Refused) -> Failure {
    let kind = ErrorKind::ALL.into_iter().find(|kind| kind.name() == refused.code);
    let code = match (refused.status, kind) {
        (_, Some(kind)) => exit_code::of_kind(kind),
        (404, _) => USAGE,
        (403, _) => REFUSED,
        (429 | 503, _) => NETWORK,
        _ => PROBLEM,
    };
    Failure::new(code, refused.message)
}

fn written(output: GetOutput, text: &str) -> Result<Zeroizing<String>, Failure> {
    let secret: Value = serde_json::from_str(text)?;
    let field = |name: &str| secret[name].as_str().unwrap_or_default();
    Ok(Zeroizing::new(match output {
        GetOutput::Text => format!("{}\n", field("value")),
        GetOutput::Json => format!("{secret:#}\n"),
        GetOutput::Env => {
            let (name, value) = (quoted(field("username")), quoted(field("value")));
            format!(
                "export REDIS_USERNAME={name}\nexport REDIS_PASSWORD={value}\nexport REDISCLI_AUTH={value}\n"
            )
        }
    }))
}
