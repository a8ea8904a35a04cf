//! Who is signed in to a developer's tool: the Azure CLI (az) or the Azure Developer CLI (azd).
//!
//! The commands and their answers are upstream's business; how they are run is ours (`process`).

use super::process::{Runner, Verdict};
use super::{Source, output, refused};
use crate::config::{IdentityChoice, Settings};
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

#[derive(Clone)]
enum Tool {
    Az { tenant_id: Option<String>, subscription: Option<String> },
    Azd { tenant_id: Option<String> },
}

struct SignedIn {
    tool: Tool,
    settings: Arc<Settings>,
}

pub(super) fn source(settings: &Arc<Settings>, choice: &IdentityChoice) -> Result<Box<dyn Source>> {
    let tool = match choice {
        IdentityChoice::AzureDeveloperCli { tenant_id, .. } => Tool::Azd { tenant_id: tenant_id.clone() },
        IdentityChoice::AzureCli { tenant_id, subscription, .. } => {
            Tool::Az { tenant_id: tenant_id.clone(), subscription: subscription.clone() }
        }
        _ => return Err(Error::internal("A tool was expected.")),
    };
    let source = SignedIn { tool, settings: settings.clone() };
    source.credential(Arc::new(Runner::new(Duration::ZERO, "", Vec::new())))?; // what upstream says of the arguments
    Ok(Box::new(source))
}

impl SignedIn {
    fn credential(&self, executor: Arc<dyn Executor>) -> Result<Arc<dyn TokenCredential>> {
        let executor = Some(executor);
        let made: azure_core::Result<Arc<dyn TokenCredential>> = match self.tool.clone() {
            Tool::Az { tenant_id, subscription } => {
                let options = AzureCliCredentialOptions { tenant_id, subscription, executor };
                AzureCliCredential::new(Some(options)).map(|made| made as _)
            }
            Tool::Azd { tenant_id } => {
                let options = AzureDeveloperCliCredentialOptions { tenant_id, executor };
                AzureDeveloperCliCredential::new(Some(options)).map(|made| made as _)
            }
        };
        made.map_err(|error| refused(&error))
    }
}

impl Source for SignedIn {
    fn fetch(&self, timeout: Duration) -> Result<Grant> {
        let seen = self.settings.children_see.clone();
        let runner = Arc::new(Runner::new(timeout, self.tool.field(), seen));
        let credential = self.credential(runner.clone())?;
        let answer = pollster::block_on(credential.get_token(&[&self.settings.scope], None));
        match answer {
            Ok(AccessToken { token, expires_on, .. }) => {
                let expires = u64::try_from(expires_on.unix_timestamp()).ok().map(Duration::from_secs);
                Grant::supplied(token.secret(), expires, None, &self.settings)
            }
            Err(error) => Err(self.tool.failure(&runner, &error.to_string(), timeout)),
        }
    }
}

impl Tool {
    /// The field of its answer that holds the token.
    fn field(&self) -> &'static str {
        match self {
            Self::Az { .. } => "accessToken",
            Self::Azd { .. } => "token",
        }
    }

    fn failure(&self, runner: &Runner, said: &str, timeout: Duration) -> Error {
        let (name, sign_in, version) = match self {
            Self::Az { .. } => ("The Azure CLI (az)", "az login", "az 2.54.0"),
            Self::Azd { .. } => ("The Azure Developer CLI (azd)", "azd auth login", "a current azd"),
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
                    Some(said) => {
                        format!("{name} printed something that is not a token: {said} Try {sign_in} by hand.")
                    }
                };
                Error::new(ErrorKind::BadResponse, message).with_retriable(false)
            }
            Verdict::Failed => {
                let printed = runner.printed().unwrap_or_default();
                let said = if gist(said).is_empty() { &printed } else { said };
                no_token(name, said, sign_in)
            }
        }
    }
}

/// What Entra told the tool has a number, and is known by it; else who runs it may not be signed in.
fn no_token(name: &str, said: &str, sign_in: &str) -> Error {
    let remedy = number_in(said).and_then(remedy).map(|remedy| format!("What to do: {remedy}."));
    let remedy = remedy.unwrap_or_else(|| format!("If you are not signed in, run {sign_in}."));
    let message = format!("{name} gave no token: {} {remedy}", gist(said));
    Error::new(ErrorKind::IdentityUnavailable, message).with_aadsts_in(said)
}

/// What the tool itself said, out of upstream's frame around it; empty if it said nothing.
fn gist(said: &str) -> String {
    let said = said.split_once("authentication failed.").map_or(said, |(_, rest)| rest);
    let said = said.split("\nTo troubleshoot").next().unwrap_or_default();
    let said: String = output::unpacked(said).split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = redacted(&said, &[]).chars().take(300).collect();
    match said.trim_end_matches('.') {
        "" => String::new(),
        said => format!("{said}."),
    }
}
