//! `entrakey agent status`.

use super::arguments::{StatusArguments, StatusOutput};
use super::place;
use super::socket;
use crate::exit_code::{OK, PROBLEM, REFUSED};
use crate::failure::Failure;
use crate::terminal::{BAD, FAINT, GOOD, painted, print};
use serde_json::Value;
use std::fmt::Write as _;
use std::time::Duration;

pub(super) fn run(given: &StatusArguments) -> Result<u8, Failure> {
    let socket = place::of_order(&given.place)?.socket;
    let text = socket::get(&socket, "/v1/status")?;
    let text = text.map_err(|refused| Failure::new(REFUSED, refused.message))?;
    let status: Value = serde_json::from_str(&text)?;
    match given.output {
        StatusOutput::Json => print(format_args!("{status:#}\n"))?,
        StatusOutput::Text => print(shown(&status))?,
    }
    Ok(if is_good(&status) { OK } else { PROBLEM })
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Whether each identity has a token of its own.
fn is_good(status: &Value) -> bool {
    items(&status["identities"]).iter().all(|identity| identity["tokens"][0]["ready"] == true)
}

fn shown(status: &Value) -> String {
    let mut text = String::new();
    for identity in items(&status["identities"]) {
        let default = if identity["default"] == true { " (default)" } else { "" };
        let _ = writeln!(text, "{}{default}", word(&identity["id"])); // to a string, as all below
        for token in items(&identity["tokens"]) {
            line_of_token(&mut text, token);
        }
    }
    for client in items(&status["clients"]) {
        let (name, got, failed) = (word(&client["name"]), &client["handed_out"], &client["unavailable"]);
        let _ = writeln!(text, "client {name}: {got} tokens handed out, {failed} times none");
    }
    for file in items(&status["token_files"]) {
        let (path, identity, version) = (word(&file["path"]), word(&file["identity"]), &file["version"]);
        let state = if *version == 0 { painted(BAD, "not written") } else { format!("token {version}") };
        let _ = writeln!(text, "file {path} of {identity}: {state}");
    }
    let endpoint = status["app_service"].as_str().unwrap_or("not served");
    let _ = writeln!(text, "{}", painted(FAINT, format_args!("App Service's endpoint: {endpoint}")));
    text
}

fn line_of_token(text: &mut String, token: &Value) {
    let state = match (token["ready"] == true, token["validity_left_s"].as_u64()) {
        (true, Some(left)) => format!("{} for {}", painted(GOOD, "valid"), duration(left)),
        _ => painted(BAD, "no usable token"),
    };
    let next =
        token["next_refresh_in_s"].as_u64().map(|next| format!(", next request in {}", duration(next)));
    let (resource, requests, got) = (word(&token["resource"]), &token["requests"], &token["handed_out"]);
    let _ = writeln!(
        text,
        "  {resource}: {state}{}; {requests} requests to Entra, handed out {got} times",
        next.unwrap_or_default()
    );
    // One that is over says nothing of now.
    if token["ready"] != true && token["last_error"].is_object() {
        let _ = writeln!(text, "    {}", word(&token["last_error"]["message"]));
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn duration(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
