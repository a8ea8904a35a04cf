//! Entra's refusals by number: what each means for somebody who only wants to reach her cache.
//!
//! Numbers: <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>.

use super::ErrorKind;

/// What an AADSTS number means.
pub(super) struct Entry {
    code: u32,
    pub(super) kind: ErrorKind,
    remedy: &'static str,
}

const fn refused(code: u32, remedy: &'static str) -> Entry {
    Entry { code, kind: ErrorKind::AuthRejected, remedy }
}

const fn config(code: u32, remedy: &'static str) -> Entry {
    Entry { code, kind: ErrorKind::InvalidConfig, remedy }
}

const NO_FEDERATED_CREDENTIAL: &str =
    "no federated credential matches: compare issuer, subject and audience with Azure's";

const ENTRIES: &[Entry] = &[
    refused(
        7_000_215,
        "check client_secret: it must be the secret's value, not its id, and belong to client_id",
    ),
    refused(7_000_222, "the client secret has expired: create a new one and set client_secret"),
    refused(700_016, "check client_id and tenant_id: this application is not in this tenant"),
    refused(90_002, "check tenant_id, and cloud or authority_host: this tenant is not in this cloud"),
    refused(700_027, "the certificate is not registered for this application, or its key is another one"),
    refused(70_021, NO_FEDERATED_CREDENTIAL),
    refused(700_211, NO_FEDERATED_CREDENTIAL),
    refused(700_212, NO_FEDERATED_CREDENTIAL),
    refused(700_213, NO_FEDERATED_CREDENTIAL),
    refused(7_000_218, "the request proved nothing: set client_secret, a certificate or a client assertion"),
    refused(700_024, "the client assertion is outside its validity: check this machine's clock"),
    refused(50_027, "the client assertion is not a valid JWT: check the token file or callback"),
    refused(7_000_112, "the application is disabled: enable it in Entra"),
    refused(53_003, "a Conditional Access policy blocks this sign-in: ask the tenant's administrator"),
    refused(650_057, "the resource is not in the application's list of permissions: check scope"),
    config(70_011, "check scope: https://redis.azure.com/.default is the usual one"),
    config(500_011, "check scope: this tenant knows no such resource"),
    config(1_002_012, "scope must end in /.default"),
    Entry {
        code: 90_033,
        kind: ErrorKind::BadResponse,
        remedy: "a passing trouble of Entra's; it is tried again",
    },
];

const UNKNOWN: Entry = refused(0, "look the AADSTS number up in Microsoft's list of error codes");

pub(super) fn lookup(code: u32) -> &'static Entry {
    ENTRIES.iter().find(|entry| entry.code == code).unwrap_or(&UNKNOWN)
}

/// Entra's own first sentence, then the remedy. The rest of the description (trace ids, time stamps) is
/// noise here: the correlation id travels beside the message.
pub(super) fn message(code: u32, description: &str, entry: &Entry) -> String {
    let first_line = description.split(['\r', '\n']).next().unwrap_or_default();
    let sentence = first_line.split(" Trace ID:").next().unwrap_or_default().trim();
    // Entra's longest first sentences have about 300 characters; the remedy must not be cut off after them.
    let sentence: String = sentence.chars().take(500).collect();
    let said = if sentence.is_empty() { format!("AADSTS{code}") } else { sentence };
    format!("Entra refused the sign-in: {said} What to do: {}.", entry.remedy)
}
