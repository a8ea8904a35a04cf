//! Who is signed in to a developer's tool: the Azure CLI (az) or the Azure Developer CLI (azd).
//!
//! Upstream writes the commands and reads their answers; we run them (`tool_process`).

use super::arguments::refused_arguments;
use super::source::Source;
use super::tool_output::unpack_messages;
use super::tool_process::{Runner, Verdict};
use crate::config::{Settings, Tool};
use crate::error::{Error, ErrorKind, Result, number_in, remedy};
use crate::grant::Grant;
use crate::redact::redacted;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, AzureDeveloperCliCredential,
    AzureDeveloperCliCredentialOptions, Executor,
};
use std::sync::Arc;
use std::time::Duration;

struct ToolSource {
    tool: Tool,
    settings: Arc<Settings>,
}

pub(super) fn source(settings: &Arc<Settings>, tool: &Tool) -> Result<Box<dyn Source>> {
    let source = ToolSource { tool: tool.clone(), settings: settings.clone() };
    source.credential(Arc::new(Runner::new(Duration::ZERO, "", Vec::new())))?; // upstream checks the arguments
    Ok(Box::new(source))
}

impl ToolSource {
    fn credential(&self, executor: Arc<dyn Executor>) -> Result<Arc<dyn TokenCredential>> {
        let executor = Some(executor);
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match self.tool.clone() {
            Tool::AzureCli { tenant_id, subscription } => {
                let options = AzureCliCredentialOptions { tenant_id, subscription, executor };
                AzureCliCredential::new(Some(options)).map(|made| made as _)
            }
            Tool::AzureDeveloperCli { tenant_id } => {
                let options = AzureDeveloperCliCredentialOptions { tenant_id, executor };
                AzureDeveloperCliCredential::new(Some(options)).map(|made| made as _)
            }
        };
        made.map_err(|error| refused_arguments(&error))
    }
}

impl Source for ToolSource {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let seen = self.settings.children_see.clone();
        let runner = Arc::new(Runner::new(timeout, token_field(&self.tool), seen));
        let credential = self.credential(runner.clone())?;
        let answer = pollster::block_on(credential.get_token(&[&self.settings.scope], None));
        match answer {
            Ok(AccessToken { token, expires_on, .. }) => {
                let expires = u64::try_from(expires_on.unix_timestamp()).ok().map(Duration::from_secs);
                Grant::supplied(token.secret(), expires, None, &self.settings)
            }
            Err(error) => Err(failure(&self.tool, &runner, &error.to_string(), timeout)),
        }
    }
}

/// The field of a tool's answer that holds the token.
fn token_field(tool: &Tool) -> &'static str {
    match tool {
        Tool::AzureCli { .. } => "accessToken",
        Tool::AzureDeveloperCli { .. } => "token",
    }
}

/// Why the last run of a tool brought no token.
fn failure(tool: &Tool, runner: &Runner, text: &str, timeout: Duration) -> Error {
    let (name, sign_in, version, page) = match tool {
        Tool::AzureCli { .. } => (
            "The Azure CLI (az)",
            "az login",
            "az 2.54.0",
            "https://learn.microsoft.com/cli/azure/install-azure-cli",
        ),
        Tool::AzureDeveloperCli { .. } => {
            ("The Azure Developer CLI (azd)", "azd auth login", "a current azd", "https://aka.ms/azure-dev")
        }
    };
    if let Some(sentence) = runner.lacked() {
        return Error::new(ErrorKind::Network, format!("{name} could not be run. {sentence}"));
    }
    match runner.verdict() {
        Verdict::TimedOut => {
            let seconds = timeout.as_secs_f64();
            let message = format!("{name} did not answer within {seconds:.1} s. Try {sign_in} by hand.");
            Error::new(ErrorKind::Timeout, message)
        }
        Verdict::Succeeded => {
            let message = match runner.printed().map(|printed| gist(&printed)).as_deref() {
                // There is an answer, which may hold a token: nothing of it is repeated.
                None => format!(
                    "{name} answered without a token and its expiry as they are expected: {version} or newer is \
                         needed."
                ),
                Some("") => format!("{name} printed nothing. Try {sign_in} by hand."),
                Some(text) => {
                    format!("{name} printed something that is not a token: {text} Try {sign_in} by hand.")
                }
            };
            Error::new(ErrorKind::BadResponse, message).with_retriable(false)
        }
        Verdict::Failed => {
            let printed = runner.printed().unwrap_or_default();
            let text = if gist(text).is_empty() { &printed } else { text };
            match text.contains(NOT_FOUND) {
                true => not_installed(name, sign_in, page),
                false => no_token(name, text, sign_in),
            }
        }
    }
}

/// How upstream says that the shell did not find the tool.
const NOT_FOUND: &str = "not found on PATH";

fn not_installed(name: &str, sign_in: &str, page: &str) -> Error {
    let message =
        format!("{name} gave no token: it was not found on PATH. Install it ({page}) and run {sign_in}.");
    Error::new(ErrorKind::IdentityUnavailable, message)
}

/// The error of a tool that gave no token. If the tool passes on an error of Entra's, the number of that error decides on
/// the remedy; else whoever runs the tool may not be signed in.
fn no_token(name: &str, text: &str, sign_in: &str) -> Error {
    let remedy = number_in(text).and_then(remedy).map(|remedy| format!("What to do: {remedy}."));
    let remedy = remedy.unwrap_or_else(|| format!("If you are not signed in, run {sign_in}."));
    let said = match gist(text) {
        said if said.is_empty() => " and did not say why.".to_owned(),
        said => format!(": {said}"),
    };
    let message = format!("{name} gave no token{said} {remedy}");
    Error::new(ErrorKind::IdentityUnavailable, message).with_aadsts_in(text)
}

/// What the tool itself printed, without upstream's words around it; empty if the tool printed nothing.
fn gist(text: &str) -> String {
    let text = text.split_once("authentication failed.").map_or(text, |(_, rest)| rest);
    let text = text.split("\nTo troubleshoot").next().unwrap_or_default();
    let text = redacted(&unpack_messages(text), &[]);
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    match text.trim_end_matches('.') {
        "" => String::new(),
        text => format!("{text}."),
    }
}
