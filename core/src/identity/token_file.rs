//! A token in a file that somebody else keeps fresh: `entrakey agent`, Vault's agent, a sidecar.

use super::credential_file::{Stamp, read_bytes, stamp};
use super::source::Source;
use crate::config::{Settings, TOKEN_FILE_PATH, TokenFile};
use crate::error::{Error, ErrorKind, Result};
use crate::grant::Grant;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

struct TokenFileSource {
    path: PathBuf,
    settings: Arc<Settings>,
}

pub(super) fn source(settings: &Arc<Settings>, file: &TokenFile) -> Box<dyn Source> {
    Box::new(TokenFileSource { path: file.path.clone(), settings: settings.clone() })
}

/// What the file says.
struct Content {
    secret: Zeroizing<String>,
    /// In seconds since the Unix epoch by this machine's clock.
    expires_on: Option<u64>,
    username: Option<String>,
}

/// What a token is called in JSON: by the agent, by App Service and its like, by `entrakey token` and az.
const SECRET: [&str; 3] = ["value", "access_token", "accessToken"];

const EXPIRED: &str = "holds a token that has expired: whoever keeps it fresh (`entrakey agent`, a sidecar) does not run any more, or \
                       cannot write there.";

impl Source for TokenFileSource {
    fn fetch(&self, _timeout: Duration) -> Result<Grant> {
        let bytes = read_bytes(TOKEN_FILE_PATH, &self.path)?;
        let content = parse(&bytes).map_err(|what| refuse(&self.path, what))?;
        let expires = content.expires_on.map(Duration::from_secs);
        let grant = Grant::supplied(&content.secret, expires, content.username.as_deref(), &self.settings)?;
        match grant.remaining.is_zero() {
            false => Ok(grant),
            true => Err(Error::new(
                ErrorKind::BadResponse,
                format!("{TOKEN_FILE_PATH}: {} {EXPIRED}", self.path.display()),
            )),
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        stamp([self.path.as_path()])
    }
}

fn parse(bytes: &[u8]) -> Result<Content, &'static str> {
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text.")?.trim();
    if text.is_empty() {
        return Err("is empty: whoever keeps it fresh has not written a token yet.");
    }
    if !text.starts_with('{') {
        let secret = Zeroizing::new(text.to_owned());
        return Ok(Content { secret, expires_on: None, username: None });
    }
    let object: Value = serde_json::from_str(text).map_err(|_| "begins like JSON and is none.")?;
    let secret = SECRET.iter().find_map(|name| object[*name].as_str());
    let secret = secret.ok_or("has no token under \"value\" or \"access_token\".")?;
    let expires_on = match &object["expires_on"] {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let username = object["username"].as_str().map(str::to_owned);
    Ok(Content { secret: Zeroizing::new(secret.to_owned()), expires_on, username })
}

fn refuse(path: &Path, what: &str) -> Error {
    Error::new(ErrorKind::IdentityUnavailable, format!("{TOKEN_FILE_PATH}: {} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<u64>, Option<String>), &'static str> {
        parse(text.as_bytes())
            .map(|content| (content.secret.to_string(), content.expires_on, content.username))
    }

    #[test]
    fn a_file_holds_the_token_alone_or_what_an_agent_or_a_service_answers() {
        assert_eq!(read("e.y.J\n").unwrap(), ("e.y.J".to_owned(), None, None));
        let agents =
            r#"{"id":"redis","username":"oid","value":"e.y.J","expires_on":1796000000,"refresh_after":1}"#;
        assert_eq!(read(agents).unwrap(), ("e.y.J".to_owned(), Some(1_796_000_000), Some("oid".to_owned())));
        let app_services =
            r#"{"access_token":"e.y.J","expires_on":"1796000000","resource":"https://redis.azure.com"}"#;
        assert_eq!(read(app_services).unwrap(), ("e.y.J".to_owned(), Some(1_796_000_000), None));
        assert_eq!(read(r#"{"accessToken":"e.y.J"}"#).unwrap().0, "e.y.J");
    }

    #[test]
    fn what_is_none_is_said_without_its_text() {
        for (text, part) in [(" \n", "empty"), ("{hunter2", "JSON"), (r#"{"token":"hunter2"}"#, "\"value\"")]
        {
            let said = read(text).unwrap_err();
            assert!(said.contains(part) && !said.contains("hunter2"), "{said}");
        }
        assert!(parse(b"\xff").is_err());
    }
}
