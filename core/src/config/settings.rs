//! What a provider runs with: every value typed, completed and validated.

use super::Config;
use super::endpoint::{Scheme, check_endpoint};
use super::environment::{Environment, KUBERNETES, TrustPaths};
use super::file;
use super::keys::{CONFIG_ENTRY, CONFIG_FILE};
use super::managed_identity::{Host, UserAssigned, check_user_assigned, detect};
use super::values::{Source, Values, invalid, missing};
use crate::error::Result;
use crate::refresh::Policy;
use std::path::PathBuf;
use std::time::Duration;
use zeroize::Zeroizing;

/// Everything that a provider was made with. Immutable; a forked child starts from the same.
pub(crate) struct Settings {
    /// A label for metrics.
    pub(crate) name: Option<String>,
    /// Whether this process runs in a Kubernetes pod.
    pub(crate) on_kubernetes: bool,
    pub(crate) identity: IdentityChoice,
    pub(crate) scope: String,
    pub(crate) username: Option<String>,
    pub(crate) username_claim: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) trust: TrustPaths,
    pub(crate) proxy: Option<ureq::Proxy>,
    pub(crate) get_token_timeout: Duration,
    pub(crate) policy: Policy,
}

impl IdentityChoice {
    /// For a sentence: "from the …". It holds ids, no secret.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::ManagedIdentity { host, user_assigned } => {
                let whose = host.name();
                match user_assigned {
                    None => format!("system-assigned managed identity of {whose}"),
                    Some(UserAssigned::Client(id)) => {
                        format!("managed identity with client id {id} of {whose}")
                    }
                    Some(UserAssigned::Object(id)) => {
                        format!("managed identity with object id {id} of {whose}")
                    }
                    Some(UserAssigned::Resource(id)) => format!("managed identity {id} of {whose}"),
                }
            }
            Self::ServicePrincipal { client_id, .. } => {
                format!("service principal with client id {client_id}")
            }
        }
    }

    /// Whether every pod of a Kubernetes node would get it.
    pub(crate) fn is_of_the_node(&self) -> bool {
        matches!(self, Self::ManagedIdentity { host: Host::Imds { .. }, .. })
    }
}

/// How to authenticate, with what each way needs.
pub(crate) enum IdentityChoice {
    ManagedIdentity { host: Host, user_assigned: Option<UserAssigned> },
    ServicePrincipal { authority_host: String, tenant_id: String, client_id: String, secret: SecretFrom },
}

/// Where a client secret is.
#[derive(Clone)]
pub(crate) enum SecretFrom {
    Value(Zeroizing<String>),
    /// Read anew for each request: what rotates secrets replaces the file.
    File(PathBuf),
}

impl Settings {
    /// Code first, then `ENTRAKEY_<KEY>`, then Azure's variable, then the file, then the default.
    pub(crate) fn resolve(config: &Config, environment: Environment) -> Result<Self> {
        let file = from_file(config, &environment)?;
        let values = Values { config, environment: &environment, file: &file };
        let identity = match values.text("identity")? {
            Some("managed_identity") => managed_identity(&values)?,
            Some("service_principal") => service_principal(&values)?,
            _ => return Err(missing("identity", "say how to authenticate")),
        };
        Ok(Self {
            name: values.text("name")?.map(str::to_owned),
            on_kubernetes: environment.get(KUBERNETES).is_some(),
            identity,
            scope: values.required("scope", "")?.to_owned(),
            username: values.text("username")?.map(str::to_owned),
            username_claim: values.required("username_claim", "")?.to_owned(),
            ca_file: values.text("ca_file")?.map(PathBuf::from),
            get_token_timeout: values.millis("get_token_timeout_ms")?,
            policy: policy(&values)?,
            trust: environment.trust,
            proxy: environment.proxy,
        })
    }
}

/// What the configuration file says, if there is one. It is read here and never again.
fn from_file(config: &Config, environment: &Environment) -> Result<Config> {
    let none = Config::new();
    let values = Values { config, environment, file: &none };
    match (values.text(CONFIG_FILE)?, values.text(CONFIG_ENTRY)?) {
        (Some(path), entry) => file::read(path, entry, environment),
        (None, Some(_)) => Err(missing(CONFIG_FILE, "config_entry names an entry of it")),
        (None, None) => Ok(none),
    }
}

fn managed_identity(values: &Values<'_>) -> Result<IdentityChoice> {
    let endpoint = values.required("imds_endpoint", "")?;
    check_endpoint("imds_endpoint", endpoint, Scheme::HttpNearby)?;
    // An address that was given is meant; only without one is the environment asked what this machine is.
    let host = match values.is_given("imds_endpoint")? {
        true => Host::Imds { endpoint: endpoint.trim_end_matches('/').to_owned() },
        false => detect(values.environment, endpoint)?,
    };
    let ids = [
        // A stray AZURE_CLIENT_ID belongs to some service principal, not to this identity.
        values.without_azure("client_id")?.map(|id| UserAssigned::Client(id.to_owned())),
        values.text("object_id")?.map(|id| UserAssigned::Object(id.to_owned())),
        values.text("resource_id")?.map(|id| UserAssigned::Resource(id.to_owned())),
    ];
    let mut given = ids.into_iter().flatten();
    let user_assigned = given.next();
    if given.next().is_some() {
        return Err(invalid(
            "client_id, object_id and resource_id each name a user-assigned identity: set one of them only.",
        ));
    }
    check_user_assigned(&host, user_assigned.as_ref())?;
    Ok(IdentityChoice::ManagedIdentity { host, user_assigned })
}

fn service_principal(values: &Values<'_>) -> Result<IdentityChoice> {
    const WHY: &str = "a service principal needs it";
    if let Some(name) = values.environment.unusable_proxy {
        return Err(invalid(format!(
            "{name} names a proxy that cannot be used here: it must be http://host:port or https://host:port \
             (no SOCKS). Correct it, or unset it to connect directly."
        )));
    }
    let authority_host = values.required("authority_host", "")?;
    check_endpoint("authority_host", authority_host, Scheme::HttpsOnly)?;
    let tenant_id = values.required("tenant_id", WHY)?.to_owned();
    if ["common", "organizations", "consumers"].contains(&tenant_id.as_str()) {
        return Err(invalid(format!(
            "tenant_id \"{tenant_id}\" is for people who sign in: a service principal needs the id or the \
             domain name of its own tenant."
        )));
    }
    Ok(IdentityChoice::ServicePrincipal {
        authority_host: authority_host.trim_end_matches('/').to_owned(),
        tenant_id,
        client_id: values.required("client_id", WHY)?.to_owned(),
        secret: client_secret(values, WHY)?,
    })
}

/// What beats what holds also between the two ways: who sets a path in code means it.
fn client_secret(values: &Values<'_>, why: &str) -> Result<SecretFrom> {
    let path = values.text("client_secret_path")?.map(PathBuf::from);
    let secret = values.text("client_secret")?.map(|secret| Zeroizing::new(secret.to_owned()));
    let (of_path, of_secret) = (values.source("client_secret_path")?, values.source("client_secret")?);
    match (path, secret) {
        (Some(_), Some(_)) if of_path == of_secret && of_path != Some(Source::Ours) => Err(invalid(
            "client_secret and client_secret_path are two places for one secret: set one of them.",
        )),
        (Some(path), Some(_)) if of_path > of_secret => Ok(SecretFrom::File(path)),
        (_, Some(secret)) => Ok(SecretFrom::Value(secret)),
        (Some(path), None) => Ok(SecretFrom::File(path)),
        (None, None) => Err(missing("client_secret", why)),
    }
}

fn policy(values: &Values<'_>) -> Result<Policy> {
    let policy = Policy {
        refresh_ratio: values.fraction("refresh_ratio")?,
        refresh_jitter: values.fraction("refresh_jitter")?,
        lower_bound: values.millis("refresh_lower_bound_ms")?,
        min_interval: values.millis("min_request_interval_ms")?,
        retry_initial: values.millis("retry_initial_ms")?,
        retry_max: values.millis("retry_max_ms")?,
        request_timeout: values.millis("request_timeout_ms")?,
        get_token_timeout: values.millis("get_token_timeout_ms")?,
        reauth_margin: values.millis("reauth_margin_ms")?,
        reauth_spread: values.fraction("reauth_spread")?,
        min_validity: values.millis("min_validity_ms")?,
    };
    if policy.refresh_ratio <= 0.0 {
        return Err(invalid(
            "refresh_ratio must be more than 0: a token would be replaced the moment it came.",
        ));
    }
    if policy.lower_bound < policy.reauth_margin + policy.request_timeout {
        return Err(invalid(
            "refresh_lower_bound_ms must be reauth_margin_ms and request_timeout_ms together at least: a token \
             has to be there before connections can be told of it.",
        ));
    }
    if policy.retry_max < policy.retry_initial {
        return Err(invalid("retry_max_ms must not be less than retry_initial_ms."));
    }
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::tests::Written;
    use crate::error::ErrorKind;

    fn resolve(code: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings> {
        let mut config = Config::new();
        for (key, value) in code {
            config.set(key, value)?;
        }
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::resolve(&config, Environment::of(variables))
    }

    fn refusal(code: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
        let error = resolve(code, variables).err().expect("accepted");
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        error.to_string()
    }

    const PRINCIPAL: &[(&str, &str)] = &[
        ("identity", "service_principal"),
        ("tenant_id", "t"),
        ("client_id", "c"),
        ("client_secret", "s3cret"),
    ];

    #[test]
    fn code_beats_our_variable_which_beats_azures() {
        let variables = &[
            ("ENTRAKEY_TENANT_ID", "ours"),
            ("AZURE_TENANT_ID", "azure"),
            ("ENTRAKEY_CLIENT_ID", "ours"),
            ("AZURE_CLIENT_ID", "azure"),
            ("AZURE_CLIENT_SECRET", "azure"),
        ];
        let settings =
            resolve(&[("identity", "service_principal"), ("tenant_id", "code")], variables).unwrap();
        let IdentityChoice::ServicePrincipal { tenant_id, client_id, secret, .. } = settings.identity else {
            panic!("wrong identity");
        };
        let SecretFrom::Value(secret) = secret else { panic!("a file") };
        assert_eq!((tenant_id.as_str(), client_id.as_str(), secret.as_str()), ("code", "ours", "azure"));
    }

    #[test]
    fn the_defaults_that_tests_use_are_those_of_the_table() {
        assert_eq!(resolve(PRINCIPAL, &[]).unwrap().policy, Policy::default());
    }

    #[test]
    fn a_secret_has_one_place() {
        let path = ("client_secret_path", "/run/secrets/redis");
        assert!(refusal(&[PRINCIPAL, &[path]].concat(), &[]).contains("client_secret_path"));
        let from = |code: &[(&str, &str)], variables: &[(&str, &str)]| {
            let settings = resolve(&[&PRINCIPAL[..3], code].concat(), variables).unwrap();
            matches!(settings.identity, IdentityChoice::ServicePrincipal { secret: SecretFrom::File(_), .. })
        };
        assert!(from(&[path], &[]));
        assert!(from(&[path], &[("AZURE_CLIENT_SECRET", "s")]), "code wins over the environment");
        assert!(!from(&[("client_secret", "s")], &[("ENTRAKEY_CLIENT_SECRET_PATH", "/x")]));
    }

    #[test]
    fn a_file_comes_last_and_the_environment_can_name_it() {
        let text = "identity: service_principal\ntenant_id: file\nclient_id: file\nclient_secret: ${MINE}\n\
                    refresh_ratio: 0.25\nretry_max_ms: 45000\n";
        let written = Written::new("precedence.yaml", text);
        let variables = &[
            ("ENTRAKEY_CONFIG_FILE", written.path()),
            ("AZURE_CLIENT_ID", "azure"),
            ("ENTRAKEY_RETRY_MAX_MS", "50000"),
            ("MINE", "hunter2"),
        ];
        let settings = resolve(&[("tenant_id", "${CODE}")], variables).unwrap();
        let IdentityChoice::ServicePrincipal { tenant_id, client_id, secret, .. } = settings.identity else {
            panic!("wrong identity");
        };
        let SecretFrom::Value(secret) = secret else { panic!("a file") };
        assert_eq!(
            (tenant_id.as_str(), client_id.as_str(), secret.as_str()),
            ("${CODE}", "azure", "hunter2"),
            "values from code are taken as they are"
        );
        assert_eq!(settings.policy.refresh_ratio, 0.25);
        assert_eq!(settings.policy.retry_max, Duration::from_secs(50));
        assert!(
            refusal(&[("config_file", "/nowhere.json")], variables).contains("/nowhere.json"),
            "code's file"
        );
    }

    #[test]
    fn the_entry_of_a_store_is_picked_by_code_or_the_environment() {
        let entry = |id: &str| {
            format!(
                r#"{{"id": "{id}", "type": "AzureEntraIdAuth", "details": {{"auth": {{"clientID": "{id}"}}}}}}"#
            )
        };
        let written = Written::new("store.json", format!("[{}, {}]", entry("a"), entry("b")));
        let client = |code: &[(&str, &str)], variables: &[(&str, &str)]| {
            let code = [&[("config_file", written.path())], code].concat();
            match resolve(&code, variables).unwrap().identity {
                IdentityChoice::ManagedIdentity { user_assigned, .. } => user_assigned,
                _ => panic!("wrong identity"),
            }
        };
        let variables = &[("ENTRAKEY_CONFIG_ENTRY", "b"), ("AZURE_CLIENT_ID", "some-app")];
        assert_eq!(client(&[], variables), Some(UserAssigned::Client("b".into())));
        assert_eq!(client(&[("config_entry", "a")], variables), Some(UserAssigned::Client("a".into())));
        assert_eq!(client(&[("client_id", "c")], variables), Some(UserAssigned::Client("c".into())));
        assert!(refusal(&[], variables).contains("config_file"), "an entry of nothing");
    }

    #[test]
    fn a_secret_of_higher_standing_wins_wherever_it_is() {
        let head = "identity: service_principal\ntenant_id: t\nclient_id: c\n";
        let is_file = |file: &str, variables: &[(&str, &str)]| {
            let written = Written::new("secret.yaml", format!("{head}{file}"));
            let settings = resolve(&[("config_file", written.path())], variables)?;
            Ok::<_, crate::error::Error>(matches!(
                settings.identity,
                IdentityChoice::ServicePrincipal { secret: SecretFrom::File(_), .. }
            ))
        };
        assert!(is_file("client_secret: s\n", &[("ENTRAKEY_CLIENT_SECRET_PATH", "/x")]).unwrap());
        assert!(!is_file("client_secret_path: /x\n", &[("AZURE_CLIENT_SECRET", "s")]).unwrap());
        assert!(is_file("client_secret_path: /x\n", &[]).unwrap());
        let both = is_file("client_secret_path: /x\nclient_secret: hunter2\n", &[]).unwrap_err();
        assert!(both.message().contains("two places") && !both.message().contains("hunter2"), "{both}");
    }

    #[test]
    fn a_managed_identity_ignores_azure_client_id() {
        let variables = &[("AZURE_CLIENT_ID", "some-app")];
        let settings = resolve(&[("identity", "managed_identity")], variables).unwrap();
        assert!(matches!(settings.identity, IdentityChoice::ManagedIdentity { user_assigned: None, .. }));
        let variables = &[("ENTRAKEY_CLIENT_ID", "mine")];
        let settings = resolve(&[("identity", "managed_identity")], variables).unwrap();
        let IdentityChoice::ManagedIdentity { user_assigned, .. } = settings.identity else {
            panic!("wrong identity");
        };
        assert_eq!(user_assigned, Some(UserAssigned::Client("mine".into())));
    }

    #[test]
    fn what_is_missing_is_named_with_its_variables() {
        let said = refusal(&PRINCIPAL[..3], &[]);
        assert!(said.contains("client_secret") && said.contains("AZURE_CLIENT_SECRET"), "{said}");
        let said = refusal(&[], &[]);
        assert!(said.contains("ENTRAKEY_IDENTITY") && said.contains("managed_identity"), "{said}");
    }

    #[test]
    fn contradictions_and_unsafe_values_are_refused() {
        let both = [("identity", "managed_identity"), ("client_id", "a"), ("object_id", "b")];
        assert!(refusal(&both, &[]).contains("one of them only"));
        let far = [("identity", "managed_identity"), ("imds_endpoint", "http://10.0.0.1")];
        assert!(refusal(&far, &[]).contains("plain http"));
        let with = |key, value| [PRINCIPAL, &[(key, value)]].concat();
        assert!(refusal(&with("authority_host", "http://127.0.0.1:1"), &[]).contains("https"));
        assert!(refusal(&with("tenant_id", "common"), &[]).contains("common"));
        assert!(refusal(&with("refresh_ratio", "0"), &[]).contains("refresh_ratio"));
        assert!(refusal(&with("refresh_lower_bound_ms", "180000"), &[]).contains("reauth_margin_ms"));
        assert!(refusal(&with("min_request_interval_ms", "1"), &[]).contains("min_request_interval_ms"));
        assert!(refusal(PRINCIPAL, &[("ENTRAKEY_RETRY_MAX_MS", "x")]).contains("ENTRAKEY_RETRY_MAX_MS"));
    }

    #[test]
    fn an_unusable_proxy_is_refused_where_one_would_be_used() {
        let socks = || {
            let mut environment = Environment::of([]);
            environment.unusable_proxy = Some("ALL_PROXY");
            environment
        };
        let mut config = Config::new();
        config.set("identity", "managed_identity").unwrap();
        assert!(Settings::resolve(&config, socks()).is_ok());
        for (key, value) in PRINCIPAL {
            config.set(key, value).unwrap();
        }
        let error = Settings::resolve(&config, socks()).err().expect("accepted");
        assert!(error.message().contains("ALL_PROXY"), "{error}");
    }

    #[test]
    fn the_peers_configurations() {
        for case in crate::vectors::cases("config") {
            let accept = case["ours_accept"].as_bool().or(case["accept"].as_bool()).unwrap();
            let key = match case["field"].as_str().unwrap() {
                "scopes" => "scope",
                "authority_url" => "authority_host",
                other => other,
            };
            let value = match &case["value"] {
                serde_json::Value::Array(values) => {
                    values.first().and_then(|v| v.as_str()).unwrap_or_default().to_owned()
                }
                serde_json::Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            // Blank authorities count as unset there, and with us in the environment.
            let outcome = if key == "authority_host" {
                resolve(PRINCIPAL, &[("ENTRAKEY_AUTHORITY_HOST", value.trim())])
            } else {
                resolve(&[PRINCIPAL, &[(key, value.as_str())]].concat(), &[])
            };
            assert_eq!(outcome.is_ok(), accept, "{case}");
        }
    }

    #[test]
    fn the_peers_authorities() {
        for case in crate::vectors::cases("authority") {
            let tenant = case["tenant"].as_str();
            let without_tenant: Vec<_> =
                PRINCIPAL.iter().filter(|(key, _)| *key != "tenant_id").copied().collect();
            let given = tenant.map(|tenant| ("tenant_id", tenant));
            let outcome = resolve(&[without_tenant, given.into_iter().collect()].concat(), &[]);
            match outcome.map(|settings| settings.identity) {
                Ok(IdentityChoice::ServicePrincipal { authority_host, tenant_id, .. }) => {
                    assert_eq!(
                        format!("{authority_host}/{tenant_id}"),
                        case["ours"].as_str().unwrap(),
                        "{case}"
                    );
                }
                _ => assert!(case["ours"].as_str().unwrap().starts_with("error"), "{case}"),
            }
        }
    }
}
