//! An error about a value says which key it is and where the value came from.

use super::file::tests::{Written, environment};
use super::{Config, Environment, IdentityChoice, Settings};
use crate::error::{Error, ErrorKind};
use crate::identity;
use std::sync::Arc;

fn config(code: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    code.iter().for_each(|(key, value)| config.set(key, value).unwrap());
    config
}

fn refusal(code: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let error = Settings::resolve(&config(code), environment(variables)).err().expect("accepted");
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    error.message().to_owned()
}

/// What is made of an error that says `what`, by the identity of that configuration.
fn explained(code: &[(&str, &str)], variables: &[(&str, &str)], error: Error) -> String {
    let settings = Settings::resolve(&config(code), environment(variables)).unwrap();
    match &settings.identity {
        IdentityChoice::Single(identity) => identity.explanation().explain(error).message().to_owned(),
        other => panic!("{}", other.describe()),
    }
}

fn refused() -> Error {
    Error::entra(700_016, "AADSTS700016: Application with identifier 'PLACEHOLDER' was not found.", 400)
}

const SECRET: &[(&str, &str)] = &[
    ("AZURE_TENANT_ID", "t.example"),
    ("AZURE_CLIENT_ID", "PLACEHOLDER"),
    ("AZURE_CLIENT_SECRET", "hunter2"),
];

#[test]
fn a_refused_value_is_named_with_the_variable_the_file_or_the_code_it_came_from() {
    let principal = ("identity", "service_principal");
    let with = |name: &'static str, value: &'static str| {
        let others = SECRET.iter().copied().filter(|(other, _)| *other != name);
        others.chain([(name, value)]).collect::<Vec<_>>()
    };
    for (variables, starts) in [
        (with("AZURE_TENANT_ID", "a/b"), "tenant_id (environment variable AZURE_TENANT_ID) is neither"),
        (with("ENTRAKEY_TENANT_ID", "a/b"), "tenant_id (environment variable ENTRAKEY_TENANT_ID) is neither"),
        (with("AZURE_TENANT_ID", "common"), "tenant_id common (environment variable AZURE_TENANT_ID) is for"),
        (with("AZURE_CLIENT_ID", " x"), "client_id (environment variable AZURE_CLIENT_ID): the value begins"),
        (
            with("AZURE_CLIENT_SECRET", "x\n"),
            "client_secret (environment variable AZURE_CLIENT_SECRET): the value c",
        ),
        (
            with("AZURE_AUTHORITY_HOST", "http://x"),
            "authority_host (environment variable AZURE_AUTHORITY_HOST) must",
        ),
        (
            with("AZURE_AUTHORITY_HOST", "https://x/y"),
            "authority_host (environment variable AZURE_AUTHORITY_HOST) is",
        ),
        (with("ENTRAKEY_CLOUD", "mars"), "cloud (environment variable ENTRAKEY_CLOUD): one of"),
        (with("ENTRAKEY_USERNAME", "a b"), "username (environment variable ENTRAKEY_USERNAME) must"),
        (
            with("ENTRAKEY_REFRESH_RATIO", "0"),
            "refresh_ratio (environment variable ENTRAKEY_REFRESH_RATIO) must",
        ),
        (
            with("ENTRAKEY_RETRY_MAX_MS", "300"),
            "retry_max_ms 300 (environment variable ENTRAKEY_RETRY_MAX_MS) must \
                                               not be less than retry_initial_ms 500 (the default)",
        ),
        (
            with("ENTRAKEY_REAUTH_MARGIN_MS", "299999"),
            "refresh_lower_bound_ms 300000 (the default) must be \
                                               reauth_margin_ms 299999 (environment variable ENTRAKEY_REAUTH_MARGIN_MS)",
        ),
    ] {
        let message = refusal(&[principal], &variables);
        assert!(message.starts_with(starts), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    let message = refusal(&[principal, ("tenant_id", "a/b")], SECRET);
    assert!(message.starts_with("tenant_id (set in code) is neither"), "{message}");
    let written = Written::new("origin.yaml", "identity: service_principal\ntenant_id: ${MINE}\nscope: x\n");
    let file = ("config_file", written.path());
    let message = refusal(&[file, ("client_id", "c")], &[("MINE", "a/b")]);
    let place = format!("tenant_id (configuration file \"{}\": tenant_id (MINE)) is neither", written.path());
    assert!(message.starts_with(&place), "{message}");
}

#[test]
fn the_scheme_of_an_address_may_be_in_capital_letters() {
    let upper = [SECRET, &[("AZURE_AUTHORITY_HOST", "HTTPS://login.example/")]].concat();
    assert!(Settings::resolve(&config(&[("identity", "service_principal")]), environment(&upper)).is_ok());
}

#[test]
fn a_variable_that_chose_the_file_or_its_entry_is_named() {
    let message = refusal(&[], &[("ENTRAKEY_CONFIG_FILE", "/nowhere.json")]);
    assert!(
        message.ends_with("said by config_file (environment variable ENTRAKEY_CONFIG_FILE)."),
        "{message}"
    );
    let written = Written::new("entry.yaml", "type: AzureEntraIdAuth\nid: a\ndetails: {auth: }\n");
    let message = refusal(&[("config_file", written.path())], &[("ENTRAKEY_CONFIG_ENTRY", "b")]);
    assert!(
        message.ends_with("said by config_entry (environment variable ENTRAKEY_CONFIG_ENTRY)."),
        "{message}"
    );
}

#[test]
fn quotes_inside_a_value_are_pointed_out() {
    let with = |name, value| [SECRET, &[(name, value)]].concat();
    for (name, value) in [
        ("ENTRAKEY_CLIENT_ID", "\"abc\""),
        ("ENTRAKEY_IDENTITY", "'service_principal'"),
        ("ENTRAKEY_SCOPE", "\"https://redis.azure.com/.default\""),
        ("ENTRAKEY_RETRY_MAX_MS", "\"30000\""),
        ("ENTRAKEY_CA_FILE", "\"/etc/ca.pem\""),
        ("AZURE_AUTHORITY_HOST", "'https://login.microsoftonline.com'"),
    ] {
        let message = refusal(&[], &with(name, value));
        assert!(
            message.contains(&format!("(environment variable {name}): the value stands in quotes")),
            "{message}"
        );
    }
    let message = refusal(
        &[("identity", "managed_identity")],
        &[("IDENTITY_ENDPOINT", "\"http://127.0.0.1\""), ("IDENTITY_HEADER", "h")],
    );
    assert!(message.starts_with("Environment variable IDENTITY_ENDPOINT, with quotes that are"), "{message}");
    let message = refusal(&[], &[("AZURE_TOKEN_CREDENTIALS", "'prod'")]);
    assert!(
        message.starts_with("Environment variable AZURE_TOKEN_CREDENTIALS, with quotes that are"),
        "{message}"
    );
    let error = Config::new().set("client_id", "\"abc\"").unwrap_err();
    assert!(error.message().contains("quotes"), "{error}");
    // A secret may begin and end as it likes: it is tried, and its quotes are told when it is refused.
    let refused = |secret| {
        let variables = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_CLIENT_SECRET", secret)];
        let wrong = Error::entra(7_000_215, "AADSTS7000215: Invalid client secret provided.", 401);
        explained(&[("identity", "service_principal")], &variables, wrong)
    };
    for (secret, with) in [
        ("'hunter2'", "quotes that are a part of the value"),
        ("hunter2 ", "a blank or an unseen character at its beginning or end"),
        ("\u{feff}hunter2", "a blank or an unseen character at its beginning or end"),
    ] {
        let message = refused(secret);
        let place = format!("client_secret (environment variable AZURE_CLIENT_SECRET, with {with})");
        assert!(message.contains(&place) && !message.contains("hunter2"), "{message}");
    }
    assert!(refused("hunter2").contains("client_secret (environment variable AZURE_CLIENT_SECRET)."));
}

#[test]
fn a_refusal_says_what_was_asked_with_and_who_had_set_it() {
    let message = explained(&[("identity", "service_principal"), ("tenant_id", "mine")], SECRET, refused());
    assert_eq!(message.matches("Asked with").count(), 1, "{message}");
    assert!(message.contains("Asked with tenant_id mine (set in code), client_id PLACEHOLDER (environment variable AZURE_CLIENT_ID)"), "{message}");
    assert!(
        message.contains("client_secret (environment variable AZURE_CLIENT_SECRET)")
            && !message.contains("hunter2"),
        "{message}"
    );
    let template = [SECRET, &[("ENTRAKEY_CLIENT_ID", "$(ClientId)")]].concat();
    let message = explained(&[("identity", "service_principal")], &template, refused());
    assert!(
        message.contains("client_id (environment variable ENTRAKEY_CLIENT_ID, a template's text that"),
        "{message}"
    );
    let both = [SECRET, &[("AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem")]].concat();
    let message = explained(&[("identity", "service_principal")], &both, refused());
    assert!(
        message.contains("(environment variable AZURE_CLIENT_CERTIFICATE_PATH) is set too, and not read"),
        "{message}"
    );
    let trouble =
        explained(&[("identity", "service_principal")], SECRET, Error::new(ErrorKind::Throttled, "busy"));
    assert_eq!(trouble, "busy", "no value explains that");
    let swapped = [SECRET, &[("ENTRAKEY_CLIENT_ID", "Xyz8Q~aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567")]].concat();
    let message =
        explained(&[("identity", "service_principal")], &swapped, Error::new(ErrorKind::AuthRejected, "no"));
    assert!(!message.contains("Xyz8Q"), "a secret under the wrong key: {message}");
}

#[test]
fn a_variable_that_is_not_read_is_named_where_it_explains_a_failure() {
    let several = || Error::new(ErrorKind::IdentityUnavailable, "This machine has several.");
    let managed = [("identity", "managed_identity")];
    let message = explained(&managed, &[("AZURE_CLIENT_ID", "mine")], several());
    assert!(
        message.contains("AZURE_CLIENT_ID is set, and not read for identity managed_identity"),
        "{message}"
    );
    assert_eq!(explained(&managed, &[], several()), "This machine has several.");
    let message =
        explained(&managed, &[("AZURE_CLIENT_ID", "stray"), ("ENTRAKEY_CLIENT_ID", "mine")], several());
    assert!(
        message.ends_with("Asked with client_id mine (environment variable ENTRAKEY_CLIENT_ID)."),
        "{message}"
    );
    let chain =
        [("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential"), ("AZURE_CLIENT_ID", "PLACEHOLDER")];
    let message = explained(&[], &chain, several());
    assert!(
        message.ends_with("Asked with client_id PLACEHOLDER (environment variable AZURE_CLIENT_ID)."),
        "{message}"
    );

    let nobody = || Error::new(ErrorKind::Network, "Nobody answers.");
    let message = explained(&managed, &[("IDENTITY_ENDPOINT", "http://127.0.0.1:1")], nobody());
    assert!(message.contains("IDENTITY_ENDPOINT is set and IDENTITY_HEADER is not"), "{message}");
    let given = [("ENTRAKEY_IMDS_ENDPOINT", "http://127.0.0.1:1"), ("MSI_ENDPOINT", "http://127.0.0.1:2")];
    let message = explained(&managed, &given, nobody());
    assert!(
        message.contains(
            "MSI_ENDPOINT is set, and not read beside imds_endpoint (environment variable ENTRAKEY_"
        ),
        "{message}"
    );

    let tenant = [("AZURE_TENANT_ID", "mine")];
    let foreign =
        || Error::new(ErrorKind::IdentityUnavailable, "AADSTS50020: User account does not exist in tenant");
    let message = explained(&[("identity", "azure_cli")], &tenant, foreign());
    assert!(message.contains("AZURE_TENANT_ID is set, and not read for identity azure_cli"), "{message}");
    let absent = Error::new(ErrorKind::IdentityUnavailable, "az is not installed.");
    assert_eq!(explained(&[("identity", "azure_cli")], &tenant, absent), "az is not installed.");

    let text = "type: AzureEntraIdAuth\nid: a\ndetails: {auth: {tenantID: t, clientID: ${ID}, clientSecret: hunter2}}\n";
    let written = Written::new("entry.yaml", text.replace("${ID}", "'${ID}'"));
    let variables = [("ID", "mine"), ("AZURE_CLIENT_ID", "stray"), ("AZURE_TENANT_ID", "stray")];
    let message = explained(&[("config_file", written.path())], &variables, refused());
    assert!(message.contains("entry \"a\", details.auth.clientID (ID))"), "{message}");
    assert!(
        message.ends_with(
            "AZURE_TENANT_ID, AZURE_CLIENT_ID are set, and not read beside a secret store's entry."
        ),
        "{message}"
    );
}

#[test]
fn a_variable_that_is_not_text_is_no_missing_one() {
    let mut all = Environment::of([("AZURE_TENANT_ID".to_owned(), "t".to_owned())]);
    all.not_text = vec!["AZURE_CLIENT_ID".to_owned()];
    let principal = config(&[("identity", "service_principal"), ("client_secret", "s")]);
    let error = Settings::resolve(&principal, all).err().unwrap();
    assert!(error.message().contains("AZURE_CLIENT_ID is not UTF-8"), "{error}");
}

#[test]
fn what_upstream_refuses_has_its_origin_too() {
    let long = "x".repeat(100_000);
    let variables =
        [("AZURE_CLIENT_ID", long.as_str()), ("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")];
    let settings = Settings::resolve(&Config::new(), environment(&variables)).unwrap();
    let error = identity::source(&Arc::new(settings)).err().expect("accepted");
    assert!(
        error.message().ends_with("Asked with client_id (environment variable AZURE_CLIENT_ID)."),
        "{error}"
    );
}

#[test]
fn a_pod_without_what_workload_identity_gives_is_told_of_label_and_annotation() {
    const LABEL: &str = "azure.workload.identity/use: \"true\"";
    const ANNOTATION: &str = "azure.workload.identity/client-id";
    let pod = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let file = ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token");
    let (tenant, client) = (("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"));
    let message = |variables: &[(&str, &str)]| refusal(&[("identity", "workload_identity")], variables);
    for (variables, missing) in [
        (&[pod][..], "tenant_id"),
        (&[pod, tenant], "client_id"),
        (&[pod, tenant, client], "federated_token_file"),
        (&[], "tenant_id"),
        (&[tenant, client], "federated_token_file"),
    ] {
        let message = message(variables);
        assert!(message.starts_with(&format!("Configuration key \"{missing}\" is missing")), "{message}");
        assert!(message.contains(LABEL) && message.contains(ANNOTATION), "{message}");
        assert!(!message.contains("service principal"), "{message}");
        assert_eq!(message.contains("this is no pod"), !variables.contains(&pod), "{message}");
    }
    let message = message(&[pod, tenant, file]);
    assert!(message.contains(ANNOTATION) && !message.contains(LABEL), "the label is there: {message}");
}

#[test]
fn each_identity_says_what_would_have_set_what_it_lacks() {
    let task = refusal(&[("identity", "azure_pipelines")], &[]);
    assert!(task.contains("AzureCLI@2") && task.contains("AZURESUBSCRIPTION_TENANT_ID"), "{task}");
    let assertion = refusal(&[("identity", "client_assertion"), ("tenant_id", "t"), ("client_id", "c")], &[]);
    assert!(assertion.contains("assertion callback"), "{assertion}");
    let principal = [("identity", "service_principal"), ("tenant_id", "t"), ("client_id", "c")];
    let pod = refusal(&principal, &[("AZURE_FEDERATED_TOKEN_FILE", "/token")]);
    assert!(pod.contains("set identity to workload_identity"), "{pod}");
    let person = refusal(&principal, &[("AZURE_USERNAME", "me@example.com"), ("AZURE_PASSWORD", "hunter2")]);
    assert!(
        person.contains("AZURE_USERNAME is set, and not read") && !person.contains("hunter2"),
        "{person}"
    );
}
