//! `entrakey control`: what the control API of a running emulator does, from a shell.

use crate::exit_code::{NETWORK, OK};
use crate::failure::{Failure, no_answer};
use crate::terminal::print;
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::time::Duration;
use ureq::Agent;
use ureq::http::Method;

/// The emulator answers at once; what takes time is a new key, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Tell a running emulator what to do, or ask it what has happened.
///
/// Examples:
///
///     entrakey control                                        list the operations
///     entrakey control stats
///     entrakey control set_clock advance_ms=3600000           an hour later
///     entrakey control add_faults '{"route": "imds", "answers": [{"token": "expired"}]}'
///     entrakey control requests route=imds
///     entrakey control environment kind=app_service format=shell
///
/// Prints what the emulator answers, JSON as a rule.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Where the emulator's control API is.
    #[arg(long, env = "ENTRAKEY_EMULATOR_URL", value_name = "URL")]
    url: String,
    /// What to do; a list of what there is if not given.
    operation: Option<String>,
    /// Parameters and fields of the body as NAME=VALUE, VALUE being JSON or else a text; or the whole body as JSON.
    values: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    if !arguments.url.starts_with("http://") {
        let what = format!("{} is not the emulator's control API, which is on http://", arguments.url);
        return Err(Failure::usage(what));
    }
    let client = Client::new(&arguments.url);
    let description: Value =
        serde_json::from_str(&client.send(&Method::GET, "/emulator/openapi.json", &[], None)?)?;
    let operations = operations(&description);
    let text = match &arguments.operation {
        None => listed(&operations),
        Some(name) => {
            let operation = operations.iter().find(|operation| operation.name == name).ok_or_else(|| {
                let what = "`entrakey control` lists those that there are";
                Failure::usage(format!("there is no operation '{name}': {what}"))
            })?;
            let call = operation.call(&arguments.values)?;
            client.send(&operation.method, &call.path, &call.query, call.body.as_deref())?
        }
    };
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    print(format_args!("{text}{end}"))?;
    Ok(OK)
}

/// One thing that the emulator can be told, as its OpenAPI document describes it.
struct Operation<'a> {
    name: &'a str,
    summary: &'a str,
    method: Method,
    path: &'a str,
    /// Name and place ("path" or "query").
    parameters: Vec<(&'a str, &'a str)>,
    has_body: bool,
}

struct Call {
    path: String,
    query: Vec<(String, String)>,
    body: Option<String>,
}

fn operations(description: &Value) -> Vec<Operation<'_>> {
    let paths = description["paths"].as_object().into_iter().flatten();
    let operations = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.filter_map(move |(method, operation)| Operation::read(path, method, operation))
    });
    operations.collect()
}

fn listed(operations: &[Operation<'_>]) -> String {
    operations.iter().fold(String::new(), |mut text, operation| {
        let place = format!("{} {}", operation.method, operation.path);
        let _ = writeln!(text, "{:<16} {place:<34} {}", operation.name, operation.summary); // to a string
        text
    })
}

impl<'a> Operation<'a> {
    fn read(path: &'a str, method: &str, operation: &'a Value) -> Option<Self> {
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        Some(Self {
            name: operation["operationId"].as_str()?,
            summary: operation["summary"].as_str().unwrap_or_default(),
            method: method.to_ascii_uppercase().parse().ok()?,
            path,
            parameters: parameters
                .filter_map(|parameter| Some((parameter["name"].as_str()?, parameter["in"].as_str()?)))
                .collect(),
            has_body: operation.get("requestBody").is_some(),
        })
    }

    /// Each value where it belongs.
    fn call(&self, values: &[String]) -> Result<Call, Failure> {
        let mut call = Call { path: self.path.to_owned(), query: Vec::new(), body: None };
        let mut fields = Map::new();
        for value in values {
            if value.trim_start().starts_with(['{', '[']) && self.has_body && call.body.is_none() {
                call.body = Some(value.clone());
                continue;
            }
            let (name, value) = value.split_once('=').ok_or_else(|| self.misused(value))?;
            match self.parameters.iter().find(|(mine, _)| *mine == name) {
                Some((_, "path")) => call.path = call.path.replace(&format!("{{{name}}}"), in_path(value)?),
                Some(_) => call.query.push((name.to_owned(), value.to_owned())),
                None if self.has_body => {
                    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
                    fields.insert(name.to_owned(), value);
                }
                None => return Err(self.misused(name)),
            }
        }
        if call.path.contains('{') {
            let what = format!("{} needs a value for what is in braces in {}", self.name, self.path);
            return Err(Failure::usage(what));
        }
        if !fields.is_empty() {
            if call.body.is_some() {
                return Err(Failure::usage("give the body as JSON or its fields as NAME=VALUE, not both"));
            }
            call.body = Some(Value::Object(fields).to_string());
        }
        Ok(call)
    }

    fn misused(&self, value: &str) -> Failure {
        let known: Vec<_> = self.parameters.iter().map(|(name, _)| format!("{name}=…")).collect();
        let body = if self.has_body { " and the body, as JSON or as NAME=VALUE" } else { "" };
        let known = if known.is_empty() { "no parameters".to_owned() } else { known.join(" ") };
        Failure::usage(format!("{} has no use for '{value}': it takes {known}{body}", self.name))
    }
}

/// Names and ids need no escapes.
fn in_path(value: &str) -> Result<&str, Failure> {
    let harmless = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    match value.chars().all(harmless) && !value.is_empty() {
        true => Ok(value),
        false => Err(Failure::usage(format!("'{value}' cannot be part of a path"))),
    }
}

struct Client<'a> {
    url: &'a str,
    agent: Agent,
}

impl<'a> Client<'a> {
    fn new(url: &'a str) -> Self {
        // The emulator is on this machine: no proxy leads to it.
        let config =
            Agent::config_builder().proxy(None).http_status_as_error(false).timeout_global(Some(TIMEOUT));
        Self { url: url.trim_end_matches('/'), agent: config.build().new_agent() }
    }

    /// The body of what is answered; a refusal is an error.
    fn send(
        &self,
        method: &Method,
        path: &str,
        query: &[(String, String)],
        body: Option<&str>,
    ) -> Result<String, Failure> {
        let url = format!("{}{path}", self.url);
        let query = query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let sent = match *method {
            Method::POST | Method::PUT => {
                let request =
                    if *method == Method::PUT { self.agent.put(&url) } else { self.agent.post(&url) };
                let request = request.query_pairs(query).content_type("application/json");
                request.send(body.unwrap_or_default())
            }
            Method::DELETE => self.agent.delete(&url).query_pairs(query).call(),
            _ => self.agent.get(&url).query_pairs(query).call(),
        };
        let mut answer = sent.map_err(|error| {
            let what = format!(
                "no emulator answers on {}: {}. Start one with `entrakey emulator`.",
                self.url,
                no_answer(&error)
            );
            Failure::new(NETWORK, what)
        })?;
        let text = answer.body_mut().read_to_string().map_err(|error| {
            let what = format!("{}{path}: the answer broke off: {}. Try again.", self.url, no_answer(&error));
            Failure::new(NETWORK, what)
        })?;
        if answer.status().is_success() {
            return Ok(text);
        }
        let error = serde_json::from_str::<Value>(&text).ok();
        let error = error.as_ref().and_then(|error| error["error"].as_str());
        let what = error.map_or_else(|| format!("{}: {text}", answer.status()), str::to_owned);
        Err(Failure::usage(what)) // it refuses only what makes no sense
    }
}
