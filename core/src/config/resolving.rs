//! From keys and variables to what a provider runs with.

use super::file::tests::Written;
use super::{
    Application, Config, Environment, HostingEnvironment, IdentityChoice, ManagedIdentity, Proof,
    SecretLocation, Settings, SingleIdentity, UserAssigned,
};
use crate::error::{ErrorKind, Result};
use crate::refresh::Policy;
use std::sync::Arc;
use std::time::Duration;

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

fn application(settings: &Settings) -> Arc<Application> {
    match &settings.identity {
        IdentityChoice::Single(SingleIdentity::Application(application)) => application.clone(),
        other => panic!("{}", other.describe()),
    }
}

fn managed_identity(settings: Settings) -> ManagedIdentity {
    match settings.identity {
        IdentityChoice::Single(SingleIdentity::ManagedIdentity(identity)) => identity,
        other => panic!("{}", other.describe()),
    }
}

const PRINCIPAL: &[(&str, &str)] =
    &[("identity", "service_principal"), ("tenant_id", "t"), ("client_id", "c"), ("client_secret", "s3cret")];

#[test]
fn code_beats_our_variable_which_beats_azures() {
    let variables = &[
        ("ENTRAKEY_TENANT_ID", "ours"),
        ("AZURE_TENANT_ID", "azure"),
        ("ENTRAKEY_CLIENT_ID", "ours"),
        ("AZURE_CLIENT_ID", "azure"),
        ("AZURE_CLIENT_SECRET", "azure"),
    ];
    let settings = resolve(&[("identity", "service_principal"), ("tenant_id", "code")], variables).unwrap();
    let app = application(&settings);
    let Proof::Secret(SecretLocation::Inline(secret)) = &app.proof else { panic!("another proof") };
    assert_eq!((app.tenant_id.as_str(), app.client_id.as_str(), secret.as_str()), ("code", "ours", "azure"));
}

#[test]
fn the_defaults_that_tests_use_are_those_of_the_table() {
    assert_eq!(resolve(PRINCIPAL, &[]).unwrap().policy, Policy::default());
}

#[test]
fn a_variable_that_nobody_reads_is_told_when_something_is_missing() {
    let said =
        refusal(&[("identity", "service_principal")], &[("AZURE_TENANT_ID", "t"), ("AZURE_CLINET_ID", "c")]);
    assert!(
        said.ends_with(
            "Environment variable AZURE_CLINET_ID is read by nobody: did you mean AZURE_CLIENT_ID?"
        ),
        "{said}"
    );
}

#[test]
fn a_secret_has_one_place() {
    let path = ("client_secret_path", "/run/secrets/redis");
    assert!(refusal(&[PRINCIPAL, &[path]].concat(), &[]).contains("client_secret_path"));
    let from = |code: &[(&str, &str)], variables: &[(&str, &str)]| {
        let settings = resolve(&[&PRINCIPAL[..3], code].concat(), variables).unwrap();
        matches!(application(&settings).proof, Proof::Secret(SecretLocation::File { .. }))
    };
    assert!(from(&[path], &[]));
    assert!(from(&[path], &[("AZURE_CLIENT_SECRET", "s")]), "code wins over the environment");
    assert!(!from(&[("client_secret", "s")], &[("ENTRAKEY_CLIENT_SECRET_PATH", "/x")]));
}

#[test]
fn a_managed_identity_ignores_azure_client_id() {
    let variables = &[("AZURE_CLIENT_ID", "some-app")];
    let settings = resolve(&[("identity", "managed_identity")], variables).unwrap();
    assert_eq!(managed_identity(settings).user_assigned, None);
    let variables = &[("ENTRAKEY_CLIENT_ID", "mine")];
    let settings = resolve(&[("identity", "managed_identity")], variables).unwrap();
    assert_eq!(managed_identity(settings).user_assigned, Some(UserAssigned::Client("mine".into())));
}

#[test]
fn what_is_missing_is_named_with_its_variables() {
    let message = refusal(&PRINCIPAL[..3], &[]);
    assert!(message.contains("client_secret") && message.contains("AZURE_CLIENT_SECRET"), "{message}");
    let message = refusal(&[("identity", "workload_identity"), ("tenant_id", "t"), ("client_id", "c")], &[]);
    assert!(message.contains("AZURE_FEDERATED_TOKEN_FILE"), "{message}");
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
            Ok(IdentityChoice::Single(SingleIdentity::Application(app))) => {
                assert_eq!(
                    format!("{}/{}", app.authority_host, app.tenant_id),
                    case["ours"].as_str().unwrap(),
                    "{case}"
                );
            }
            _ => assert!(case["ours"].as_str().unwrap().starts_with("error"), "{case}"),
        }
    }
}

/// The names of the chain's links, those that are out of the question in brackets.
fn chain(variables: &[(&str, &str)]) -> String {
    match resolve(&[], variables).unwrap().identity {
        IdentityChoice::Chain(links) => {
            let names = links.iter().map(|link| match link.identity {
                Ok(_) => link.name.to_owned(),
                Err(_) => format!("({})", link.name),
            });
            names.collect::<Vec<_>>().join(" ")
        }
        single => single.describe(),
    }
}

const APPLICATION: &[(&str, &str)] = &[("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
const SECRET: (&str, &str) = ("AZURE_CLIENT_SECRET", "s");
const TOKEN_FILE: (&str, &str) = ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/token");

#[test]
fn without_an_identity_the_chain_is_made_of_what_is_there() {
    let tools = "azure_cli azure_developer_cli";
    assert_eq!(chain(&[]), format!("(environment) (workload_identity) managed_identity {tools}"));
    assert_eq!(
        chain(&[APPLICATION, &[SECRET]].concat()),
        format!("environment (workload_identity) managed_identity {tools}")
    );
    assert_eq!(
        chain(&[APPLICATION, &[TOKEN_FILE]].concat()),
        format!("(environment) workload_identity managed_identity {tools}")
    );
    let arc = [("IDENTITY_ENDPOINT", "http://localhost:40342"), ("IMDS_ENDPOINT", "http://localhost:40342")];
    assert_eq!(
        chain(&[APPLICATION, &[SECRET], &arc].concat()),
        format!("environment (workload_identity) (managed_identity) {tools}"),
        "Arc has no user-assigned identities, and that is no reason to refuse the rest"
    );
}

#[test]
fn azures_own_variable_narrows_the_chain() {
    let with = |value| chain(&[("AZURE_TOKEN_CREDENTIALS", value)]);
    assert_eq!(with("prod"), "(environment) (workload_identity) managed_identity");
    assert_eq!(with("Dev"), "azure_cli azure_developer_cli");
    assert_eq!(with("managedidentitycredential"), "system-assigned managed identity of this machine (IMDS)");
    assert_eq!(with("AzureCliCredential"), "user of the Azure CLI");
    let message = refusal(&[], &[("AZURE_TOKEN_CREDENTIALS", "AzurePowerShellCredential")]);
    assert!(message.contains("AzureCliCredential") && message.contains("dev"), "{message}");
}

#[test]
fn the_chain_takes_azures_client_id_for_a_managed_identity() {
    let settings =
        resolve(&[], &[("AZURE_CLIENT_ID", "c"), ("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")]);
    assert!(settings.unwrap().identity.describe().contains("client id c"));
}

#[test]
fn each_cloud_has_its_address_and_an_address_of_its_own_wins() {
    let host = |pairs: &[(&str, &str)]| {
        application(&resolve(&[PRINCIPAL, pairs].concat(), &[]).unwrap()).authority_host.clone()
    };
    assert_eq!(host(&[]), "https://login.microsoftonline.com");
    assert_eq!(host(&[("cloud", "china")]), "https://login.partner.microsoftonline.cn");
    assert_eq!(host(&[("cloud", "us_government")]), "https://login.microsoftonline.us");
    assert_eq!(host(&[("cloud", "china"), ("authority_host", "https://own/")]), "https://own");
    assert_eq!(
        host(&[("authority_host", "login.own")]),
        "https://login.own",
        "as Microsoft's libraries take it"
    );
    for wrong in ["https://own/tenant", "https://me@own", "https://own?x"] {
        let message = refusal(&[PRINCIPAL, &[("authority_host", wrong)]].concat(), &[]);
        assert!(message.contains("tenant_id"), "{message}");
    }
}

#[test]
fn azure_pipelines_takes_the_variables_of_its_own_task() {
    let variables = &[
        ("AZURESUBSCRIPTION_TENANT_ID", "t"),
        ("AZURESUBSCRIPTION_CLIENT_ID", "c"),
        ("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "s"),
        ("SYSTEM_OIDCREQUESTURI", "https://dev.example/oidc"),
        ("SYSTEM_ACCESSTOKEN", "token"),
    ];
    let settings = resolve(&[("identity", "azure_pipelines")], variables).unwrap();
    let app = application(&settings);
    assert_eq!((app.tenant_id.as_str(), app.client_id.as_str()), ("t", "c"));
    let Proof::Pipelines(job) = &app.proof else { panic!("another proof") };
    assert_eq!((job.service_connection_id.as_str(), job.access_token.as_str()), ("s", "token"));
    assert!(refusal(&[("identity", "azure_pipelines")], &variables[..4]).contains("SYSTEM_ACCESSTOKEN"));
}

#[test]
fn a_pod_without_a_token_is_told_of_the_label() {
    let code = [("identity", "workload_identity"), ("tenant_id", "t"), ("client_id", "c")];
    let message = refusal(&code, &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    assert!(message.contains("azure.workload.identity/use"), "{message}");
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
    let settings = resolve(&[("tenant_id", "code"), ("scope", "${CODE}")], variables).unwrap();
    let app = application(&settings);
    let Proof::Secret(SecretLocation::Inline(secret)) = &app.proof else { panic!("a file") };
    assert_eq!(
        (settings.scope.as_str(), app.client_id.as_str(), secret.as_str()),
        ("${CODE}", "azure", "hunter2"),
        "values from code are taken as they are"
    );
    assert_eq!(settings.policy.refresh_ratio, 0.25);
    assert_eq!(settings.policy.retry_max, Duration::from_secs(50));
    assert!(refusal(&[("config_file", "/nowhere.json")], variables).contains("/nowhere.json"), "code's file");
}

#[test]
fn a_secret_of_higher_standing_wins_wherever_it_is() {
    let head = "identity: service_principal\ntenant_id: t\nclient_id: c\n";
    let is_file = |file: &str, variables: &[(&str, &str)]| {
        let written = Written::new("secret.yaml", format!("{head}{file}"));
        let settings = resolve(&[("config_file", written.path())], variables)?;
        Ok::<_, crate::error::Error>(matches!(
            application(&settings).proof,
            Proof::Secret(SecretLocation::File { .. })
        ))
    };
    assert!(is_file("client_secret: s\n", &[("ENTRAKEY_CLIENT_SECRET_PATH", "/x")]).unwrap());
    assert!(!is_file("client_secret_path: /x\n", &[("AZURE_CLIENT_SECRET", "s")]).unwrap());
    assert!(is_file("client_secret_path: /x\n", &[]).unwrap());
    let both = is_file("client_secret_path: /x\nclient_secret: hunter2\n", &[]).unwrap_err();
    assert!(both.message().contains("two places") && !both.message().contains("hunter2"), "{both}");
}

#[test]
fn an_address_in_a_file_is_meant_as_one_in_code_is() {
    let text = "identity = 'managed_identity'\nimds_endpoint = 'http://127.0.0.1:9'\n";
    let written = Written::new("imds.toml", text);
    let variables = &[("IDENTITY_ENDPOINT", "http://127.0.0.1:8"), ("IDENTITY_HEADER", "h")];
    let settings = resolve(&[("config_file", written.path())], variables).unwrap();
    let HostingEnvironment::Imds { endpoint } = managed_identity(settings).hosting_environment else {
        panic!("looked for another endpoint");
    };
    assert_eq!(endpoint, "http://127.0.0.1:9");
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
        managed_identity(resolve(&code, variables).unwrap()).user_assigned
    };
    let variables = &[("ENTRAKEY_CONFIG_ENTRY", "b"), ("AZURE_CLIENT_ID", "some-app")];
    assert_eq!(client(&[], variables), Some(UserAssigned::Client("b".into())));
    assert_eq!(client(&[("config_entry", "a")], variables), Some(UserAssigned::Client("a".into())));
    assert_eq!(client(&[("client_id", "c")], variables), Some(UserAssigned::Client("c".into())));
    assert!(refusal(&[], variables).contains("config_file"), "an entry of nothing");
}

#[test]
fn a_certificate_or_a_secret_proves_a_service_principal_and_never_both() {
    let principal = &PRINCIPAL[..3];
    let certificate = ("certificate_path", "/c.pem");
    let proof = |code: &[(&str, &str)], variables: &[(&str, &str)]| match &application(
        &resolve(&[principal, code].concat(), variables).unwrap(),
    )
    .proof
    {
        Proof::Certificate(_) => "certificate",
        Proof::Secret(_) => "secret",
        _ => "other",
    };
    assert_eq!(proof(&[certificate], &[]), "certificate");
    assert_eq!(proof(&[certificate], &[("AZURE_CLIENT_SECRET", "s")]), "certificate", "code wins");
    let azures = [("AZURE_CLIENT_SECRET", "s"), ("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")];
    assert_eq!(proof(&[], &azures), "secret", "as in Microsoft's libraries");
    let both = [principal, &[certificate, ("client_secret", "hunter2")]].concat();
    let message = refusal(&both, &[]);
    assert!(message.contains("certificate_path") && !message.contains("hunter2"), "{message}");
    let alone = [principal, &[("certificate_thumbprint", "ab")]].concat();
    assert!(refusal(&alone, &[]).contains("private_key_path"));
    assert!(refusal(principal, &[]).contains("certificate_path"));
    assert_eq!(
        chain(&[APPLICATION, &[("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")]].concat()),
        "environment (workload_identity) managed_identity azure_cli azure_developer_cli"
    );
}

#[test]
fn a_stores_entry_is_one_identity_into_which_azures_variables_mix_no_other() {
    let text = "type: AzureEntraIdAuth\nid: a\ndetails: {auth: {tenantID: t, clientID: mine, certPath: /c, keyPath: /k}}\n";
    let written = Written::new("entry.yaml", text);
    let stray =
        [("AZURE_CLIENT_ID", "other"), ("AZURE_CLIENT_SECRET", "other"), ("AZURE_TENANT_ID", "other")];
    let file = ("config_file", written.path());
    let app = application(&resolve(&[file], &stray).unwrap());
    assert_eq!((app.tenant_id.as_str(), app.client_id.as_str()), ("t", "mine"));
    assert!(matches!(app.proof, Proof::Certificate(_)));
    let app = application(&resolve(&[file], &[("ENTRAKEY_CLIENT_ID", "ours")]).unwrap());
    assert_eq!(app.client_id, "ours", "what is meant for us still wins");
}

#[test]
fn a_callback_that_the_identity_does_not_use_is_an_error() {
    let resolve = |identity: Option<&str>, token: bool, assertion: bool| {
        let mut config = Config::new();
        for (key, value) in [("tenant_id", "t"), ("client_id", "c")] {
            config.set(key, value).unwrap();
        }
        if let Some(identity) = identity {
            config.set("identity", identity).unwrap();
        }
        if token {
            config.on_token_request(drop);
        }
        if assertion {
            config.on_assertion_request(drop);
        }
        Settings::resolve(&config, Environment::of([])).map(|settings| settings.identity.describe())
    };
    assert_eq!(resolve(None, true, false).unwrap(), "token callback");
    assert_eq!(resolve(None, false, true).unwrap(), "service principal with client id c");
    for (identity, token, assertion) in
        [(Some("managed_identity"), true, false), (Some("custom"), false, true), (None, true, true)]
    {
        assert_eq!(resolve(identity, token, assertion).unwrap_err().kind(), ErrorKind::InvalidConfig);
    }
}

#[test]
fn an_unusable_proxy_is_refused_where_one_would_be_used() {
    let through_socks =
        |code: &[(&str, &str)]| resolve(code, &[("ALL_PROXY", "socks5://127.0.0.1:1")]).map(drop);
    assert!(through_socks(&[("identity", "managed_identity")]).is_ok());
    assert!(through_socks(PRINCIPAL).unwrap_err().message().contains("ALL_PROXY"));
    let direct = |list| through_socks(&[PRINCIPAL, &[("no_proxy", list)]].concat());
    assert!(direct("other.example, login.microsoftonline.com").is_ok(), "Entra is asked directly");
    let pipelines = [
        ("identity", "azure_pipelines"),
        ("tenant_id", "t"),
        ("client_id", "c"),
        ("service_connection_id", "s"),
        ("system_access_token", "t0ken"),
        ("oidc_request_uri", "https://vstoken.dev.azure.com/oidc"),
    ];
    let with = |list| through_socks(&[&pipelines[..], &[("no_proxy", list)]].concat());
    assert!(with("login.microsoftonline.com").is_err(), "the job's token would go past it");
    assert!(with("login.microsoftonline.com,.dev.azure.com").is_ok());
}
