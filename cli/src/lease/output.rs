//! How leases and credentials are printed.

use super::arguments::CredentialOutput;
use crate::exit_code::PROBLEM;
use crate::failure::Failure;
use crate::shell::quoted;
use crate::terminal::{FAINT, GOOD, painted, visible};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};
use zeroize::Zeroizing;

/// What the service answers to a new lease. It has no `Debug`.
#[derive(Deserialize)]
struct Issued {
    lease_id: String,
    expires_at: i64,
    max_expires_at: i64,
    data: Data,
}

/// Each kind has some of it.
#[derive(Deserialize)]
struct Data {
    tenant_id: Option<String>,
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
    object_id: Option<String>,
    cache: Option<String>,
    access_policy: Option<String>,
    user: Option<String>,
    password: Option<Zeroizing<String>>,
}

fn time(seconds: i64) -> String {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

impl Data {
    fn secret(&self) -> Option<&Zeroizing<String>> {
        self.client_secret.as_ref().or(self.password.as_ref())
    }

    /// Name for people, variable, value; and whether it is the secret.
    fn parts(&self) -> Vec<(&'static str, &'static str, &str)> {
        let all = [
            ("tenant", "AZURE_TENANT_ID", self.tenant_id.as_deref()),
            ("client id", "AZURE_CLIENT_ID", self.client_id.as_deref()),
            ("client secret", "AZURE_CLIENT_SECRET", self.client_secret.as_ref().map(|one| one.as_str())),
            ("user", "AZURE_USERNAME", self.user.as_deref()),
            ("password", "AZURE_PASSWORD", self.password.as_ref().map(|one| one.as_str())),
            ("object id", "ENTRAKEY_LEASE_OBJECT_ID", self.object_id.as_deref()),
            ("cache", "ENTRAKEY_LEASE_CACHE", self.cache.as_deref()),
            ("access policy", "ENTRAKEY_LEASE_ACCESS_POLICY", self.access_policy.as_deref()),
        ];
        all.into_iter().filter_map(|(name, variable, value)| Some((name, variable, value?))).collect()
    }
}

pub(super) fn credential(output: CredentialOutput, text: &str) -> Result<Zeroizing<String>, Failure> {
    if output == CredentialOutput::Json {
        return Ok(Zeroizing::new(format!("{text}\n")));
    }
    let issued: Issued = serde_json::from_str(text)?;
    let mut shown = Zeroizing::new(String::with_capacity(2048)); // so that it does not move, and leave a copy
    match output {
        CredentialOutput::Secret => {
            let secret = issued.data.secret().ok_or_else(|| {
                Failure::new(PROBLEM, "This lease has no secret: it is access for who signs in as ever.")
            })?;
            let _ = writeln!(shown, "{}", secret.as_str()); // to a string, as all below
        }
        CredentialOutput::Env => {
            for (_, variable, value) in issued.data.parts() {
                let value = Zeroizing::new(quoted(value));
                let _ = writeln!(shown, "export {variable}={}", value.as_str());
            }
            let _ = writeln!(shown, "export ENTRAKEY_LEASE_ID={}", quoted(&issued.lease_id));
        }
        _ => {
            let _ = writeln!(shown, "{}", painted(GOOD, &issued.lease_id));
            for (name, _, value) in issued.data.parts() {
                let _ = writeln!(shown, "  {name}: {value}");
            }
            let (end, last) = (time(issued.expires_at), time(issued.max_expires_at));
            let _ = writeln!(shown, "  ends {end}, at the latest {last}");
            let note = match issued.data.secret() {
                Some(_) => "The credential is shown once, and kept nowhere.",
                None => {
                    "There is no secret: whoever this is signs in as ever, and may use the cache until then."
                }
            };
            let _ = writeln!(shown, "  {}", painted(FAINT, note));
        }
    }
    Ok(shown)
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// One line for a lease.
pub(super) fn line(lease: &Value) -> String {
    let left = Duration::from_secs(lease["lease_duration"].as_u64().unwrap_or(0));
    let state = match word(&lease["state"]) {
        "active" => format!("ends in {}", humantime::format_duration(left)),
        state => state.to_owned(),
    };
    // Of an application there is one; of users there are several.
    let user = lease["user_name"].as_str().or_else(|| Some(word(&lease["target"]).split_once('|')?.1));
    let user = user.map(|user| format!("  {}", visible(user))).unwrap_or_default();
    let (id, kind, holder) = (word(&lease["lease_id"]), word(&lease["kind"]), word(&lease["holder"]));
    format!("{id}  {kind}{user}  {holder}  {state}\n")
}

/// All about a lease.
pub(super) fn lines(lease: &Value) -> String {
    let mut text = format!("{}\n", painted(GOOD, word(&lease["lease_id"])));
    for name in ["secret", "kind", "target", "user_name", "holder", "state", "reason", "key_id", "last_error"]
    {
        if let Some(value) = lease[name].as_str() {
            let _ = writeln!(text, "  {}: {}", name.replace('_', " "), visible(value)); // to a string
        }
    }
    for (name, shown) in [("created_at", "made"), ("expires_at", "ends"), ("max_expires_at", "at the latest")]
    {
        let _ = writeln!(text, "  {shown}: {}", time(lease[name].as_i64().unwrap_or(0)));
    }
    text
}
