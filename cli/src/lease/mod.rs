//! `entrakey lease`: what somebody does who uses leases.

mod arguments;
mod client;
mod output;

pub(crate) use arguments::Arguments;

use crate::exit_code::OK;
use crate::failure::Failure;
use crate::terminal::{Progress, deliver, print};
use arguments::{CreateArguments, ListArguments, Order, Output, RenewArguments};
use clap::Command;
use client::{Client, Request};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What the subcommand is called.
pub(crate) const NAME: &str = "lease";

/// Gives the options that say where the service is their variables.
pub(crate) fn with_variables(command: Command) -> Command {
    command.mut_subcommands(|order| {
        [("url", "ENTRAKEY_LEASES_URL"), ("socket", "ENTRAKEY_LEASES_SOCKET")].into_iter().fold(
            order,
            |order, (id, name)| {
                // An empty one counts as absent.
                match std::env::var_os(name).is_some_and(|value| value.is_empty()) {
                    true => order,
                    false => order.mut_arg(id, |argument| argument.env(name)),
                }
            },
        )
    })
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    match &arguments.order {
        Order::Create(given) => create(given),
        Order::List(given) => list(given),
        Order::Show(given) => {
            one(&given.service, given.output, "GET", &format!("/v1/leases/{}", path_part(&given.id)?), None)
        }
        Order::Renew(given) => renew(given),
        Order::Revoke(given) => one(
            &given.service,
            given.output,
            "POST",
            &format!("/v1/leases/{}/revoke", path_part(&given.id)?),
            None,
        ),
    }
}

/// An id is a part of a path, a secret's name of a query.
fn path_part(id: &str) -> Result<&str, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !id.is_empty() && id.chars().all(is_plain) && !id.starts_with('.') {
        true => Ok(id),
        false => Err(Failure::usage(
            "Ids of leases and names of secrets have letters of English, digits, \"-\", \"_\" and \".\" only.",
        )),
    }
}

fn create(given: &CreateArguments) -> Result<u8, Failure> {
    let client = Client::new(&given.service)?;
    let mut body = Map::new();
    body.insert("secret".to_owned(), json!(given.secret));
    for (name, value) in [("ttl", &given.ttl), ("user", &given.user)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    let progress = Progress::of("waiting for Azure to make it and for Entra to take it");
    let key = given.idempotency_key.as_deref();
    let body = Value::Object(body).to_string();
    let text = client.send(&Request { method: "POST", path: "/v1/leases", body: Some(&body), key })?;
    drop(progress);
    let shown = output::credential(given.output, &text);
    match shown.and_then(|shown| deliver(shown.as_str()).map_err(Failure::from)) {
        Ok(()) => Ok(OK),
        Err(failure) => Err(undelivered(&client, &text, &failure)),
    }
}

/// Nobody has the credential, and nobody can ask for it again: it is taken back.
fn undelivered(client: &Client, text: &str, failure: &Failure) -> Failure {
    let lease: Value = serde_json::from_str(text).unwrap_or_default();
    let Ok(id) = path_part(lease["lease_id"].as_str().unwrap_or_default()) else {
        return Failure::new(failure.code, failure);
    };
    let path = format!("/v1/leases/{id}/revoke");
    let what = match client.send(&Request { method: "POST", path: &path, body: None, key: None }) {
        Ok(_) => format!("The lease {id} is revoked again."),
        Err(why) => format!("The lease {id} could not be revoked again ({why}): entrakey lease revoke {id}"),
    };
    Failure::new(failure.code, format!("{failure} {what}"))
}

fn one(
    service: &arguments::ServiceArguments,
    output: Output,
    method: &str,
    path: &str,
    body: Option<&str>,
) -> Result<u8, Failure> {
    let text = Client::new(service)?.send(&Request { method, path, body, key: None })?;
    let lease: Value = serde_json::from_str(&text)?;
    match output {
        Output::Json => print(format_args!("{lease:#}\n"))?,
        Output::Text => print(output::lines(&lease))?,
    }
    Ok(OK)
}

fn renew(given: &RenewArguments) -> Result<u8, Failure> {
    let body = given.ttl.as_ref().map_or_else(|| json!({}), |ttl| json!({"ttl": ttl})).to_string();
    one(
        &given.service,
        given.output,
        "POST",
        &format!("/v1/leases/{}/renew", path_part(&given.id)?),
        Some(&body),
    )
}

fn list(given: &ListArguments) -> Result<u8, Failure> {
    let client = Client::new(&given.service)?;
    let (mut leases, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut path = "/v1/leases?limit=500".to_owned();
        if !given.all {
            path.push_str("&state=living");
        }
        for (name, value) in [("secret", given.secret.as_deref().unwrap_or_default()), ("cursor", &cursor)] {
            if !value.is_empty() {
                let _ = write!(path, "&{name}={}", path_part(value)?); // to a string
            }
        }
        let text = client.send(&Request { method: "GET", path: &path, body: None, key: None })?;
        let mut page: Value = serde_json::from_str(&text)?;
        if let Some(some) = page["leases"].as_array_mut() {
            leases.append(some);
        }
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    match given.output {
        Output::Json => print(format_args!("{:#}\n", json!({"leases": leases})))?,
        Output::Text if leases.is_empty() => print("There are no leases.\n")?,
        Output::Text => print(leases.iter().map(output::line).collect::<String>())?,
    }
    Ok(OK)
}
