//! The one table of configuration keys: name, type, default, environment, documentation.

use super::clouds::CLOUDS;
use super::key_type::KeyType;
use super::names::IDENTITIES;

/// One configuration key.
#[derive(Debug)]
pub struct Key {
    /// The key, in snake_case; Node.js spells it in camelCase.
    pub name: &'static str,
    /// What values the key takes.
    pub kind: KeyType,
    /// The value when nothing sets it; empty when there is none.
    pub default: &'static str,
    /// Azure's own environment variable for the key, read after `ENTRAKEY_<KEY>`; empty when there is none.
    pub azure_variable: &'static str,
    /// What the key does.
    pub doc: &'static str,
}

const fn key(name: &'static str, kind: KeyType, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default, azure_variable: "", doc }
}

const fn azure(name: &'static str, kind: KeyType, azure_variable: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default: "", azure_variable, doc }
}

use KeyType::{Boolean, Certificate, Choice, Fraction, Milliseconds, Pem, Secret, Text};

/// No configuration makes a provider ask more often than this after an answer, or at the end of its back-off: what
/// the shortest tokens get by themselves.
const LEAST_INTERVAL_MS: u32 = 250;
/// No configuration makes a provider ask again sooner than this after a first failure.
const LEAST_RETRY_MS: u32 = 100;

/// Every key there is. Caps on times hold for tokens of 20 minutes and more and shrink with shorter ones.
pub static KEYS: &[Key] = &[
    key(
        "identity",
        Choice(IDENTITIES),
        "default",
        "How to authenticate. `default` takes the first that is there: environment, workload_identity, \
         managed_identity, azure_cli, azure_developer_cli; AZURE_TOKEN_CREDENTIALS (dev, prod, or one name) \
         narrows it down.",
    ),
    azure(
        "tenant_id",
        Text,
        "AZURE_TENANT_ID",
        "The tenant of the service principal. For azure_cli and azure_developer_cli: the tenant to sign in to, if \
         it is not the tool's own; AZURE_TENANT_ID is not read for them.",
    ),
    azure(
        "client_id",
        Text,
        "AZURE_CLIENT_ID",
        "The application (client) id: of the service principal, or of a user-assigned managed identity. \
         For a managed identity AZURE_CLIENT_ID is read in the default chain only.",
    ),
    key("object_id", Text, "", "A user-assigned managed identity, by its object (principal) id."),
    key("resource_id", Text, "", "A user-assigned managed identity, by its Azure resource id."),
    azure(
        "client_secret",
        Secret,
        "AZURE_CLIENT_SECRET",
        "The service principal's secret: its value, not its id.",
    ),
    key(
        "client_secret_path",
        Text,
        "",
        "A file that holds the service principal's secret and nothing else. It is read for each request, and a \
         change of it is noticed within seconds when the secret was refused.",
    ),
    azure(
        "federated_token_file",
        Text,
        "AZURE_FEDERATED_TOKEN_FILE",
        "The file with the token that Kubernetes issues for a workload identity. It is read for each request.",
    ),
    key(
        "client_assertion_path",
        Text,
        "",
        "A file with a client assertion: a JWT that Entra trusts by a federated credential. It is read for each \
         request; whoever issues it keeps it fresh.",
    ),
    azure(
        "service_connection_id",
        Text,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID",
        "The service connection of Azure Pipelines that signs in.",
    ),
    azure("system_access_token", Secret, "SYSTEM_ACCESSTOKEN", "The token of the pipeline's job."),
    azure(
        "oidc_request_uri",
        Text,
        "SYSTEM_OIDCREQUESTURI",
        "Where Azure Pipelines issues tokens; it sets it.",
    ),
    key(
        TOKEN_FILE_PATH,
        Text,
        "",
        "For token_file: a file with an access token that somebody else keeps fresh, `entrakey agent` for instance. Either the \
         token alone, or a JSON object with it (`value`, `access_token`), its end (`expires_on`, in seconds since 1970) and the \
         user name (`username`). It is read for each request.",
    ),
    key(
        "azure_cli_subscription",
        Text,
        "",
        "For azure_cli: the subscription whose account is meant, if it is not the tool's current one.",
    ),
    azure(
        "certificate_path",
        Text,
        "AZURE_CLIENT_CERTIFICATE_PATH",
        "The service principal's certificate: a PEM file, or a PFX (PKCS#12) file with its key in it, also in base64. Files \
         are read anew when they change.",
    ),
    key(
        "private_key_path",
        Text,
        "",
        "The PEM file with the certificate's private key, if it is not in certificate_path.",
    ),
    key(
        "certificate",
        Certificate,
        "",
        "The certificate itself, instead of certificate_path: in PEM, and its key may stand beside it; or a PFX in base64, as \
         Azure Key Vault gives it.",
    ),
    key("private_key", Pem, "", "The private key itself (PEM), instead of private_key_path."),
    azure(
        "certificate_password",
        Secret,
        "AZURE_CLIENT_CERTIFICATE_PASSWORD",
        "The password of the PFX or of the encrypted private key.",
    ),
    azure(
        "send_certificate_chain",
        Boolean,
        "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
        "Sends the certificate and those that vouch for it along, for applications that trust a subject name and an \
         issuer.",
    ),
    key(
        "certificate_thumbprint",
        Text,
        "",
        "The certificate's SHA-1 in hexadecimal, for callers that have nothing else besides the private key: signs as \
         older libraries do (RS256, x5t).",
    ),
    key(
        "scope",
        Text,
        "https://redis.azure.com/.default",
        "What the token is for. The other name of the same resource is \
         acca5fbb-b7e4-4009-81f1-37e38fd66d78/.default.",
    ),
    key("cloud", Choice(CLOUDS), "public", "Which of Microsoft's clouds: it decides on Entra's address."),
    azure(
        "authority_host",
        Text,
        "AZURE_AUTHORITY_HOST",
        "Entra's address, https only, if it is not that of the cloud: https://login.microsoftonline.com.",
    ),
    Key {
        name: "imds_endpoint",
        kind: Text,
        default: "http://169.254.169.254",
        azure_variable: "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        doc: "The instance metadata service's address, for tests and emulators. If code or ENTRAKEY_IMDS_ENDPOINT \
              gives it, no other managed identity endpoint is looked for. Plain http is refused outside loopback and link-local addresses.",
    },
    key(
        "proxy",
        Secret,
        "",
        "The proxy for requests to Entra, http://host:port or https://host:port with user and password if need be; \
         else the variables https_proxy, HTTPS_PROXY, all_proxy, ALL_PROXY. Managed identity endpoints are never asked \
         through one. docs/proxies.md has the rules.",
    ),
    key(
        "no_proxy",
        Text,
        "",
        "Hosts that are asked directly, without the proxy: names, addresses, networks, * for all, with commas between them; \
         else the variables no_proxy, NO_PROXY.",
    ),
    key("ca_file", Text, "", "A PEM file of certificate authorities to trust besides the system's."),
    key("username", Text, "", "The Redis user name, if it is not to be taken from the token."),
    key("username_claim", Text, "oid", "The claim of the token that holds the Redis user name."),
    key(
        "refresh_ratio",
        Fraction,
        "0.7",
        "Ask for a new token after this share of the validity that was left when the token was first seen.",
    ),
    key(
        "refresh_lower_bound_ms",
        Milliseconds(1),
        "300000",
        "Ask for a new token this long before expiry at the latest: Microsoft's three minutes, and two to spread.",
    ),
    key(
        "refresh_jitter",
        Fraction,
        "0.05",
        "Refresh earlier by a random share of the lifetime up to this, so that a fleet does not ask in step. \
         0 switches all spreading of refreshes off.",
    ),
    key(
        "min_request_interval_ms",
        Milliseconds(LEAST_INTERVAL_MS),
        "30000",
        "The least time between an answer and the next request.",
    ),
    key("request_timeout_ms", Milliseconds(1), "10000", "The most one request to the token source may take."),
    key("get_token_timeout_ms", Milliseconds(1), "30000", "The most a call of get_token may take."),
    key("retry_initial_ms", Milliseconds(LEAST_RETRY_MS), "500", "The least wait after a failed request."),
    key(
        "retry_max_ms",
        Milliseconds(LEAST_INTERVAL_MS),
        "30000",
        "The most wait after a failed request. There is no limit on tries.",
    ),
    key(
        "reauth_margin_ms",
        Milliseconds(1),
        "180000",
        "Connections are told to re-authenticate at least this long before the old token expires; Microsoft \
         asks for three minutes.",
    ),
    key(
        "reauth_spread",
        Fraction,
        "0.1",
        "Notifications are spread over this share of the lifetime (0.025 at most for tokens under 20 minutes).",
    ),
    key(
        "min_validity_ms",
        Milliseconds(1),
        "60000",
        "A token with less than this left is handed out only if nothing better can be had.",
    ),
    key(
        "name",
        Text,
        "",
        "A label for metrics and logs, if a process has several providers. It leaves the process: no secret, no \
         object id.",
    ),
    key(
        CONFIG_FILE,
        Text,
        "",
        "A JSON, YAML or TOML file of these keys, or with a secret store's entries; see above. Not settable in a file.",
    ),
    key(
        CONFIG_ENTRY,
        Text,
        "",
        "The id of the secret store's entry in config_file, if the file has several. Not settable in a file.",
    ),
];

/// Which file, and which entry of it: the two keys that cannot be in the file itself.
/// The key of the file of identity `token_file`.
pub(crate) const TOKEN_FILE_PATH: &str = "token_file_path";
pub(super) const CONFIG_FILE: &str = "config_file";
pub(super) const CONFIG_ENTRY: &str = "config_entry";

impl Key {
    /// The variable that sets this key when code does not.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("ENTRAKEY_{}", self.name.to_ascii_uppercase())
    }

    pub(super) fn check(&self, value: &str) -> Result<(), String> {
        self.kind.check(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_a_valid_value_and_every_key_is_documented() {
        for key in KEYS {
            assert!(key.doc.ends_with('.'), "{}", key.name);
            if !key.default.is_empty() {
                assert_eq!(key.check(key.default), Ok(()), "{}", key.name);
            }
        }
    }

    #[test]
    fn no_configuration_makes_a_storm_of_requests() {
        let check = |name: &str, value: &str| KEYS.iter().find(|key| key.name == name).unwrap().check(value);
        for storm in ["min_request_interval_ms", "retry_initial_ms", "retry_max_ms"] {
            assert!(check(storm, "99").is_err(), "{storm}");
        }
    }
}
