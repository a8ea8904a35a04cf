//! Each managed identity endpoint as its hosting environment has it, played by a stub on loopback.

use super::{Asked, source};
use crate::config::{Config, Environment, Settings};
use crate::error::{ErrorKind, ManagedIdentityFault, Result};
use crate::grant::Grant;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Answers `answers` one after another and hands over the requests.
fn stub(answers: Vec<String>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = vec![0; 8192];
            let mut length = connection.read(&mut request).unwrap();
            // A form comes in a packet of its own.
            if request.starts_with(b"POST") && !request[..length].ends_with(b"com") {
                length += connection.read(&mut request[length..]).unwrap();
            }
            sender.send(String::from_utf8_lossy(&request[..length]).into_owned()).unwrap();
            connection.write_all(answer.as_bytes()).unwrap();
        }
    });
    (format!("http://{address}/msi/token"), requests)
}

fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}")
}

const TOKEN: &str =
    r#"{"access_token":"opaque","expires_on":"4102444800","resource":"r","token_type":"Bearer"}"#;

fn fetch(variables: &[(&str, &str)]) -> Result<Grant> {
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    config.set("username", "me").unwrap();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings = Arc::new(Settings::resolve(&config, Environment::of(variables)).unwrap());
    source(&settings).unwrap().fetch(Duration::from_secs(20))
}

#[test]
fn app_service_is_asked_with_its_header_and_says_only_expires_on() {
    let (endpoint, requests) = stub(vec![http("200 OK", "", TOKEN)]);
    let grant =
        fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "app-service-secret")]).unwrap();
    assert_eq!(grant.secret.as_str(), "opaque");
    let request = requests.recv().unwrap();
    assert!(
        request.starts_with("GET /msi/token?api-version=2019-08-01&resource=https%3A%2F%2Fredis.azure.com ")
    );
    assert!(request.to_ascii_lowercase().contains("x-identity-header: app-service-secret"), "{request}");
}

#[test]
fn what_app_service_says_when_it_refuses_reaches_the_user_and_its_secret_does_not() {
    let body = r#"{"statusCode":400,"message":"No User Assigned or Delegated Managed Identity found"}"#;
    let (endpoint, _requests) = stub(vec![http("400 Bad Request", "", body)]);
    let refused = fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "app-service-secret")]);
    let error = refused.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(error.message().contains("No User Assigned"), "{error}");
    assert_eq!(error.managed_identity(), Some(ManagedIdentityFault::NotAttachedToApp));
    assert!(!error.to_string().contains("app-service-secret"), "{error}");
}

#[test]
fn what_no_request_can_hold_is_refused_by_name_when_the_provider_is_made() {
    let refusal = |variables: &[(&str, &str)], values: &[(&str, &str)]| {
        let mut config = Config::new();
        values.iter().for_each(|(key, value)| config.set(key, value).unwrap());
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::resolve(&config, Environment::of(variables)).map(Arc::new);
        let error = settings.and_then(|settings| source(&settings)).err().unwrap();
        assert_eq!((error.kind(), error.is_retriable()), (ErrorKind::InvalidConfig, false), "{error}");
        assert!(!error.message().contains("s3cret"), "{error}");
        error.message().to_owned()
    };
    let managed = ("identity", "managed_identity");
    let app = |header| [("IDENTITY_ENDPOINT", "http://127.0.0.1:1/t"), ("IDENTITY_HEADER", header)];
    let ml = |secret| [("MSI_ENDPOINT", "http://127.0.0.1:1/t"), ("MSI_SECRET", secret)];
    let said = refusal(&app("s3cret\n"), &[managed]);
    assert!(said.contains("IDENTITY_HEADER") && said.contains("line break"), "{said}");
    assert!(refusal(&app("s3cret\u{2028}"), &[managed]).contains("IDENTITY_HEADER"));
    assert!(refusal(&ml("s3\u{1b}cret"), &[managed]).contains("MSI_SECRET"));
    assert!(refusal(&ml(&"s3cret".repeat(2000)), &[managed]).contains("too long"));
    let long = "c".repeat(100_000);
    for key in ["client_id", "object_id"] {
        assert!(refusal(&[], &[managed, (key, &long)]).contains(key));
    }
    let path = format!("http://127.0.0.1:1/{}", "p".repeat(10_000));
    assert!(refusal(&[("MSI_ENDPOINT", &path)], &[managed]).contains("the configured address"));
    let principal = [("identity", "service_principal"), ("client_id", "c"), ("client_secret", "s3cret")];
    assert!(refusal(&[], &[&principal[..], &[("tenant_id", &long)]].concat()).contains("tenant_id"));
    let job = [
        ("identity", "azure_pipelines"),
        ("tenant_id", "t"),
        ("client_id", "c"),
        ("service_connection_id", "s"),
        ("oidc_request_uri", "https://dev.azure.com/x"),
        ("system_access_token", "s3cret-\u{fc}"),
    ];
    assert!(refusal(&[("SYSTEM_ACCESSTOKEN", "")], &job).contains("system_access_token"));
}

#[test]
fn machine_learning_is_asked_with_its_secret() {
    let (endpoint, requests) = stub(vec![http("200 OK", "", TOKEN)]);
    fetch(&[("MSI_ENDPOINT", &endpoint), ("MSI_SECRET", "ml-secret")]).unwrap();
    let request = requests.recv().unwrap();
    assert!(request.contains("api-version=2017-09-01") && request.contains("secret: ml-secret"), "{request}");
}

#[test]
fn cloud_shell_is_asked_with_a_form() {
    let (endpoint, requests) = stub(vec![http("200 OK", "", TOKEN)]);
    fetch(&[("MSI_ENDPOINT", &endpoint)]).unwrap();
    let request = requests.recv().unwrap();
    assert!(request.starts_with("POST /msi/token "), "{request}");
    assert!(request.to_ascii_lowercase().contains("metadata: true"), "{request}");
    assert!(request.ends_with("resource=https%3A%2F%2Fredis.azure.com"), "{request}");
}

#[test]
fn arcs_challenge_for_a_file_elsewhere_is_not_answered() {
    let challenge = "WWW-Authenticate: Basic realm=/etc/hostname.key\r\n";
    let (endpoint, requests) = stub(vec![http("401 Unauthorized", challenge, "")]);
    let error = fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IMDS_ENDPOINT", &endpoint)]).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::BadResponse, "{error}");
    assert!(requests.recv().unwrap().contains("api-version=2020-06-01"));
    assert!(requests.recv().is_err(), "a second request was sent");
}

/// Settings without an identity: the chain. `tools` is the folder where az and azd are looked for.
fn chain_settings(imds: &str, variables: &[(&str, &str)], tools: &Folder) -> Arc<Settings> {
    let mut config = Config::new();
    config.set("username", "me").unwrap();
    resolved(&config, &[variables, &[("AZURE_POD_IDENTITY_AUTHORITY_HOST", imds)]].concat(), tools)
}

fn resolved(config: &Config, variables: &[(&str, &str)], tools: &Folder) -> Arc<Settings> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let mut environment = Environment::of(variables);
    let path = format!("{}:/usr/bin:/bin", tools.0.display());
    let all = [("PATH", path.as_str()), ("SEEN", "by-the-tool"), ("FORCE_COLOR", "1")];
    environment.all = all.map(|(name, value)| (name.into(), value.into())).to_vec();
    Arc::new(Settings::resolve(config, environment).unwrap())
}

/// A folder with tools that a test writes, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("entrakey-tools-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    #[cfg(unix)]
    fn tool(self, name: &str, script: &str) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.0.join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn said(&self) -> String {
        std::fs::read_to_string(self.0.join("said")).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const SOON: Duration = Duration::from_secs(20);
/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";
const AZ_TOKEN: &str =
    r#"printf '%s' '{"accessToken":"of-az","expires_on":4102444800,"tokenType":"Bearer"}'"#;

#[cfg(unix)]
mod tools {
    use super::*;

    fn az(script: &str, name: &str) -> (Result<Grant>, String) {
        let tools = Folder::new(name).tool("az", script);
        let mut config = Config::new();
        config.set("identity", "azure_cli").unwrap();
        config.set("username", "me").unwrap();
        let settings = resolved(&config, &[], &tools);
        let fetched = source(&settings).unwrap().fetch(Duration::from_secs(2));
        (fetched, tools.said())
    }

    fn error(script: &str, name: &str) -> crate::Error {
        az(script, name).0.err().unwrap()
    }

    #[test]
    fn az_is_run_with_the_scope_in_the_environment_of_the_provider() {
        let (grant, said) =
            az(&format!("echo \"$@ $SEEN ${{HOME-none}}\" > $(dirname $0)/said; {AZ_TOKEN}"), "run");
        assert_eq!(grant.unwrap().secret.as_str(), "of-az");
        assert!(said.contains("--scope https://redis.azure.com/.default"), "{said}");
        assert!(said.contains("by-the-tool none"), "{said}");
    }

    #[test]
    fn what_az_says_reaches_the_user_and_a_token_that_it_garbles_does_not() {
        let refused = error("echo \"Please run 'az login' to setup account.\" >&2; exit 1", "refused");
        assert_eq!(refused.kind(), ErrorKind::IdentityUnavailable);
        assert!(refused.message().contains("Please run 'az login'"), "{refused}");
        assert!(!refused.message().contains("aka.ms"), "{refused}");
        let garbled = error(r#"echo '{"accessToken":7,"expires_on":"s3cret"}'"#, "garbled");
        assert_eq!(garbled.kind(), ErrorKind::BadResponse);
        assert!(!garbled.to_string().contains("s3cret"), "{garbled}");
    }

    #[test]
    fn an_az_that_is_not_there_or_hangs_is_an_error_in_time() {
        let tools = Folder::new("none");
        let mut config = Config::new();
        config.set("identity", "azure_cli").unwrap();
        let missing = source(&resolved(&config, &[], &tools)).unwrap().fetch(SOON).err().unwrap();
        assert_eq!(missing.kind(), ErrorKind::IdentityUnavailable);
        let (shown, install) =
            (missing.message(), "Install it (https://learn.microsoft.com/cli/azure/install-azure-cli)");
        assert!(shown.contains("not found on PATH") && shown.contains(install), "{missing}");
        assert!(
            !shown.contains("If you are not signed in"),
            "nobody can sign in with what is not there: {missing}"
        );
        let started = std::time::Instant::now();
        // Its child would hold the pipe open for a minute.
        let (hung, child) = az("sleep 60 & echo $! > $(dirname $0)/said; sleep 60", "hung");
        let hung = hung.err().unwrap();
        assert_eq!(hung.kind(), ErrorKind::Timeout, "{hung}");
        assert!(started.elapsed() < SOON);
        let running = || std::fs::read_to_string(format!("/proc/{}/stat", child.trim())).unwrap_or_default();
        while running().contains(") S ") {
            assert!(started.elapsed() < SOON, "what az had started is still there");
            std::thread::yield_now();
        }
    }

    #[test]
    fn what_az_leaves_running_does_not_hold_its_answer_up_and_a_token_among_its_complaints_is_not_shown() {
        let left = format!("setsid sleep 60 & {AZ_TOKEN}");
        assert_eq!(az(&left, "left").0.unwrap().secret.as_str(), "of-az");
        let leak = format!("eyJ{}", "x".repeat(60));
        let refused = error(&format!("echo \"debug: got {leak}\" >&2; exit 1"), "leak");
        assert!(refused.message().contains("debug: got [token]"), "{refused}");
    }

    #[test]
    fn a_token_is_found_among_colours_and_warnings_and_az_is_asked_for_none() {
        let coloured =
            AZ_TOKEN.replace("'{", r"'\033[0m{").replace("}'", r"}\033[0m\n'").replace("'%s'", "'%b'");
        let told = "echo $AZURE_CORE_NO_COLOR $NO_COLOR ${FORCE_COLOR-none} > $(dirname $0)/said";
        let warned = "echo 'WARNING: A new {version} is there'";
        let (grant, said) = az(&format!("{told}; {warned}; {coloured}; {warned}"), "coloured");
        assert_eq!(grant.unwrap().secret.as_str(), "of-az");
        assert_eq!(said, "true 1 none\n");
    }

    #[test]
    fn what_az_prints_instead_of_a_token_is_shown_unless_it_may_be_one() {
        let page = error(r"printf '\033[31mThe command failed with an unexpected error.\033[0m'", "page");
        assert_eq!(page.kind(), ErrorKind::BadResponse);
        assert!(
            page.message().contains("not a token: The command failed with an unexpected error."),
            "{page}"
        );
        assert!(!page.message().contains("2.54"), "the version has nothing to do with it: {page}");
        let leak = error(&format!("echo 'got eyJ{}'", "x".repeat(60)), "printed-leak");
        assert!(leak.message().contains("got [token]"), "{leak}");
        let cut = error(r#"printf '{"accessToken":"opaque-secret"'"#, "cut");
        assert!(!cut.message().contains("opaque-secret"), "{cut}");
        let old = error(r#"echo '{"accessToken":"opaque-secret","expiresOn":"2026-01-01 00:00:00"}'"#, "old");
        assert!(old.message().contains("2.54.0") && !old.message().contains("opaque-secret"), "{old}");
        assert!(error("true", "nothing").message().contains("printed nothing"));
        let aside = error("echo 'ERROR: not here'; exit 1", "aside");
        assert!(aside.message().contains("gave no token: ERROR: not here."), "{aside}");
        let mute = error("exit 3", "mute");
        assert!(mute.message().contains("gave no token and did not say why. If you"), "{mute}");
    }

    fn azd(script: &str, name: &str) -> Result<Grant> {
        let tools = Folder::new(name).tool("azd", script);
        let mut config = Config::new();
        config.set("identity", "azure_developer_cli").unwrap();
        config.set("username", "me").unwrap();
        source(&resolved(&config, &[], &tools)).unwrap().fetch(SOON)
    }

    #[test]
    fn the_messages_of_azd_are_neither_its_token_nor_shown_in_their_wrapping() {
        let message = |text: &str| {
            format!(
                r#"echo '{{"type":"consoleMessage","timestamp":"2026-01-01","data":{{"message":"{text}"}}}}'"#
            )
        };
        let token = r#"echo '{"token":"of-azd","expiresOn":"2100-01-01T00:00:00Z"}'"#;
        let news = message("WARNING: your version of azd is out of date");
        assert_eq!(azd(&format!("{news}; {token}"), "azd-news").unwrap().secret.as_str(), "of-azd");
        let failed =
            format!("{news} >&2; {} >&2; exit 1", message("ERROR: not logged in, run azd auth login"));
        let failed = azd(&failed, "azd-failed").err().unwrap();
        assert!(failed.message().contains("out of date ERROR: not logged in"), "{failed}");
        assert!(!failed.message().contains("consoleMessage"), "{failed}");
    }

    #[test]
    fn azd_is_asked_too() {
        let script = r#"printf '%s' '{"token":"of-azd","expiresOn":"2100-01-01T00:00:00Z"}'"#;
        let tools = Folder::new("azd").tool("azd", script);
        let mut config = Config::new();
        config.set("identity", "azure_developer_cli").unwrap();
        config.set("username", "me").unwrap();
        let grant = source(&resolved(&config, &[], &tools)).unwrap().fetch(SOON).unwrap();
        assert_eq!(grant.secret.as_str(), "of-azd");
    }

    #[test]
    fn the_chain_ends_at_the_tools_on_a_developers_machine() {
        let tools = Folder::new("laptop").tool("az", AZ_TOKEN);
        let chain = source(&chain_settings(NOWHERE, &[], &tools)).unwrap();
        assert_eq!(chain.fetch(SOON).unwrap().secret.as_str(), "of-az");
    }
}

#[test]
fn an_imds_that_swallows_the_probe_costs_the_chain_a_second_and_not_a_request_s_whole_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap(); // accepts, by its backlog, and never answers
    let imds = format!("http://{}", listener.local_addr().unwrap());
    let tools = Folder::new("swallows");
    let started = std::time::Instant::now();
    let error = source(&chain_settings(&imds, &[], &tools)).unwrap().fetch(10 * SOON).err().unwrap();
    assert!(error.message().contains("managed_identity: IMDS does not answer"), "{error}");
    assert!(started.elapsed() < SOON, "{:?} of 200 s", started.elapsed());
}

#[test]
fn when_nobody_is_there_the_error_says_what_each_link_said() {
    let tools = Folder::new("nobody");
    let error = source(&chain_settings(NOWHERE, &[], &tools)).unwrap().fetch(SOON).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(!error.is_retriable(), "a caller is told at once");
    for part in [
        "environment: tenant_id and client_id and client_secret not set",
        "workload_identity: tenant_id and client_id and federated_token_file not set",
        "managed_identity: IMDS does not answer",
        "azure_cli: The Azure CLI (az) gave no token: it was not found on PATH",
        "azure_developer_cli: The Azure Developer CLI (azd) gave no token: it was not found on PATH",
        "az login",
    ] {
        assert!(error.message().contains(part), "{part} is not in {error}");
    }
}

#[test]
fn the_chain_probes_imds_once_and_then_asks_its_winner() {
    let refusal = || http("400 Bad Request", "", r#"{"error":"bad_request_102"}"#);
    let token = || http("200 OK", "", TOKEN);
    let gone = || http("400 Bad Request", "", r#"{"error_description":"Identity not found"}"#);
    let (imds, requests) = stub(vec![refusal(), token(), token(), gone(), refusal(), gone()]);
    let imds = imds.trim_end_matches("/msi/token").to_owned();
    let tools = Folder::new("winner");
    let kubernetes = [("KUBERNETES_SERVICE_HOST", "10.0.0.1")];
    let chain = source(&chain_settings(&imds, &kubernetes, &tools)).unwrap();
    let first = chain.fetch(SOON).unwrap();
    assert!(chain.advice(&first).unwrap().contains("node's own managed identity"), "every pod would get it");
    chain.fetch(SOON).unwrap();
    let asked = |request: String| request.to_ascii_lowercase().contains("metadata: true");
    let seen: Vec<bool> = requests.iter().take(3).map(asked).collect();
    assert_eq!(seen, [false, true, true], "a probe, and two requests");
    let asked = chain.asked();
    assert!(asked.iter().any(|(_, asked)| matches!(asked, Asked::Answered)), "{asked:?}");
    let error = chain.fetch(SOON).err().unwrap();
    assert!(error.message().contains("No identity was found"), "the winner is forgotten: {error}");
    assert_eq!(error.managed_identity(), Some(ManagedIdentityFault::NotAttachedToMachine));
    let asked = chain.asked();
    assert!(asked.iter().all(|(_, asked)| matches!(asked, Asked::Absent(_))), "{asked:?}");
}

#[test]
fn an_identity_that_is_there_and_fails_is_not_passed_over() {
    let busy = http("429 Too Many Requests", "", "{}");
    let (imds, _requests) = stub(vec![http("400 Bad Request", "", "{}"), busy]);
    let imds = imds.trim_end_matches("/msi/token").to_owned();
    let tools = Folder::new("meant");
    #[cfg(unix)]
    let tools = tools.tool("az", AZ_TOKEN);
    let chain = source(&chain_settings(&imds, &[], &tools)).unwrap();
    assert!(chain.asked().is_empty(), "nobody was asked yet");
    let error = chain.fetch(SOON).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Throttled, "and the developer's token was not taken");
    let asked = chain.asked();
    let failed = asked.iter().position(|(_, asked)| matches!(asked, Asked::Failed(_))).unwrap();
    assert!(asked.iter().skip(failed + 1).all(|(_, asked)| matches!(asked, Asked::NotAsked)), "{asked:?}");
}

/// The chain of a service that is set up with these variables, with a developer's az on the path.
#[cfg(unix)]
fn misconfigured(name: &str, variables: &[(&str, &str)]) -> crate::Error {
    let tools = Folder::new(name).tool("az", AZ_TOKEN);
    let outcome = source(&chain_settings(NOWHERE, variables, &tools)).unwrap().fetch(SOON);
    outcome.err().expect("a developer's token")
}

#[test]
#[cfg(unix)]
fn an_identity_whose_file_is_missing_or_wrong_is_not_passed_over_either() {
    let app = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c")];
    let with = |name, more: (&str, &str)| misconfigured(name, &[app[0], app[1], more]);
    let error = with("token", ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token"));
    assert!(error.message().contains("/nowhere/token"), "{error}");
    let error = with("certificate", ("AZURE_CLIENT_CERTIFICATE_PATH", "/nowhere.pem"));
    assert!(error.message().contains("/nowhere.pem"), "{error}");
    let refusal = http("401 Unauthorized", "", r#"{"statusCode":401,"message":"no such header"}"#);
    let (endpoint, _requests) = stub(vec![refusal]);
    let error = misconfigured("header", &[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "wrong")]);
    assert!(error.message().contains("no such header"), "{error}");
    let far = [("IDENTITY_ENDPOINT", "http://10.0.0.1/token"), ("IDENTITY_HEADER", "h")];
    let error = misconfigured("far", &far); // refused before anything is sent
    assert!(error.kind() == ErrorKind::InvalidConfig && error.message().contains("plain http"), "{error}");
    let unattached = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let (imds, _requests) = stub(vec![http("400 Bad", "", "{}"), http("400 Bad", "", unattached)]);
    let imds = imds.trim_end_matches("/msi/token").to_owned();
    let tools = Folder::new("unattached").tool("az", AZ_TOKEN);
    let chain = source(&chain_settings(&imds, &[("AZURE_CLIENT_ID", "c")], &tools)).unwrap();
    let error = chain.fetch(SOON).err().unwrap();
    assert!(error.message().contains("not attached"));
    assert_eq!(error.managed_identity(), Some(ManagedIdentityFault::NotAttachedToMachine));
}

#[test]
#[cfg(unix)]
fn what_has_brought_a_token_is_not_exchanged_for_a_developers() {
    let token = || http("200 OK", "", TOKEN);
    let gone = http("400 Bad Request", "", r#"{"error_description":"Identity not found"}"#);
    let answers = vec![http("400 Bad", "", "{}"), token(), http("503 Busy", "", "{}"), token(), gone];
    let (imds, requests) = stub(answers);
    let imds = imds.trim_end_matches("/msi/token").to_owned();
    let tools = Folder::new("service").tool("az", AZ_TOKEN);
    let chain = source(&chain_settings(&imds, &[], &tools)).unwrap();
    let kind = || chain.fetch(SOON).map(|grant| grant.secret.to_string()).map_err(|error| error.kind());
    assert_eq!(kind(), Ok("opaque".to_owned()));
    assert_eq!(kind(), Err(ErrorKind::BadResponse), "a moment's trouble");
    assert_eq!(kind(), Ok("opaque".to_owned()));
    assert_eq!(kind(), Err(ErrorKind::IdentityUnavailable), "gone for good: az is not asked");
    assert_eq!(requests.iter().count(), 5);
}

#[test]
#[cfg(unix)]
fn whatever_else_answers_at_the_address_of_imds_is_not_taken_for_it_and_is_quoted() {
    const XML: &str = "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?><!DOCTYPE html><html><head><title>404 - Not Found\
                       </title></head><body><h1>404 - Not Found</h1></body></html>";
    let json = "Content-Type: application/json\r\n";
    for (name, answer, quoted) in [
        (
            "portal",
            http("200 OK", "Content-Type: text/html\r\n", "<html>sign in</html>"),
            "status 200: sign in",
        ),
        (
            "docker",
            http("403 Forbidden", "", "connecting to 169.254.169.254: unreachable"),
            "status 403: connecting",
        ),
        ("ec2", http("404 Not Found", "Content-Type: text/html\r\n", XML), "status 404: 404 - Not Found"),
        ("ec2-v2", http("401 Unauthorized", "", ""), "status 401"),
        (
            "gce",
            http("403 Forbidden", "Metadata-Flavor: Google\r\n", "<p>Missing Metadata-Flavor:Google header"),
            "403: Missing",
        ),
        (
            "oci",
            http("404 Not Found", json, r#"{"code":404,"message":"HTTP 404 Not Found"}"#),
            "404: HTTP 404 Not Found",
        ),
        ("ecs", http("404 Not Found", json, r#"{"error":"not found"}"#), "status 404: not found"),
        ("proxy", http("405 Method Not Allowed", json, "{}"), "status 405"),
        ("other", http("200 OK", json, r#"{"latest":"/latest"}"#), r#"{"latest":"/latest"}"#),
        ("sent", http("302 Found", "Location: http://10.0.0.1/\r\n", ""), "status 302"),
        ("down", http("503 Service Unavailable", "", "no healthy upstream"), "503: no healthy upstream"),
    ] {
        let answers = || vec![answer.clone()];
        let tools = Folder::new(name);
        let imds = |(imds, _): &(String, _)| imds.trim_end_matches("/msi/token").to_owned();
        let stubbed = stub(answers());
        let nobody =
            source(&chain_settings(&imds(&stubbed), &[], &tools)).unwrap().fetch(SOON).err().unwrap();
        assert!(nobody.message().contains("not Azure's: status"), "{nobody}");
        assert!(nobody.message().contains(quoted), "{nobody}");
        let tools = tools.tool("az", AZ_TOKEN);
        let stubbed = stub(answers());
        let grant = source(&chain_settings(&imds(&stubbed), &[], &tools)).unwrap().fetch(SOON).unwrap();
        assert_eq!(grant.secret.as_str(), "of-az", "{name}");
    }
}

#[test]
#[cfg(unix)]
fn an_imds_in_trouble_is_not_passed_over() {
    for (status, body) in [
        ("429 Too Many Requests", r#"{"error":"too_many_requests","error_description":"Too many requests"}"#),
        (
            "500 Internal Server Error",
            r#"{"error":"unknown","error_description":"Failed to retrieve token"}"#,
        ),
        ("410 Gone", "{}"),
    ] {
        let (imds, _requests) = stub(vec![http(status, "", body), http(status, "", body)]);
        let imds = imds.trim_end_matches("/msi/token").to_owned();
        let tools = Folder::new(&status[..3]).tool("az", AZ_TOKEN);
        let error =
            source(&chain_settings(&imds, &[], &tools)).unwrap().fetch(SOON).err().expect("az's token");
        assert!(error.is_retriable(), "{error}");
    }
}

#[test]
fn what_an_endpoint_says_in_another_way_than_json_is_shown_and_what_will_not_change_is_final() {
    let said = |status: &str, body: &str| {
        let (endpoint, _requests) = stub(vec![http(status, "", body)]);
        fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "h")]).err().unwrap()
    };
    let forbidden = said("403 Forbidden", "You do not have permission to view this directory or page.");
    assert_eq!(forbidden.kind(), ErrorKind::IdentityUnavailable);
    assert!(!forbidden.is_retriable());
    assert!(forbidden.message().contains("(status 403): You do not have permission to view"), "{forbidden}");
    let page =
        said("400 Bad Request", "<html>\n<head><title>400 Bad Request</title></head>\n<hr>nginx</html>");
    assert!(page.message().contains("(status 400): 400 Bad Request nginx."), "{page}");
    let path = said("404 Not Found", "<h1>Not Found</h1>");
    assert!(!path.is_retriable() && path.message().contains("(status 404): Not Found."), "{path}");
    let silent = said("401 Unauthorized", "");
    assert!(!silent.is_retriable() && silent.message().contains("gave no reason"), "{silent}");
    let elsewhere = said("302 Found", "<a href=\"/login\">Found</a>");
    assert!(
        !elsewhere.is_retriable() && elsewhere.message().contains("sends elsewhere (status 302): Found.")
    );
    let busy = said("503 Service Unavailable", "no healthy upstream");
    assert!(busy.is_retriable() && busy.message().contains("status 503: no healthy upstream."), "{busy}");
    let vague =
        said("500 Internal Server Error", r#"{"statusCode":500,"message":"An unexpected error occurred"}"#);
    assert!(
        vague.is_retriable() && vague.message().contains("500: An unexpected error occurred."),
        "{vague}"
    );
    let detail = said("403 Forbidden", r#"{"detail":"no such principal"}"#);
    assert!(detail.message().contains(r#"{"detail":"no such principal"}"#), "{detail}");
    let all = [forbidden, page, path, silent, elsewhere, busy, vague, detail];
    assert!(all.iter().all(|error| !error.message().contains("proxy")), "no proxy is in between");
}

#[test]
fn a_token_in_an_answer_that_is_not_json_is_not_shown() {
    for body in [r#"{"access_token":"opaque-secret","#, "access_token=eyJhbGciOiJIUzI1NiJ9.e30.c2ln"] {
        for status in ["200 OK", "403 Forbidden"] {
            let (endpoint, _requests) = stub(vec![http(status, "", body)]);
            let error = fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "h")]).err().unwrap();
            assert!(
                !error.message().contains("opaque-secret") && !error.message().contains("eyJ"),
                "{error}"
            );
        }
    }
}

#[test]
fn where_nobody_listens_the_sentence_fits_the_hosting_environment() {
    let closed = "127.0.0.1:1"; // no system gives it to anybody unasked
    let url = format!("http://{closed}/token");
    let (identity, msi) = (("IDENTITY_ENDPOINT", url.as_str()), ("MSI_ENDPOINT", url.as_str()));
    let (https, imds) = (format!("https://{closed}/token"), format!("http://{closed}"));
    let thumbprint = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    for (variables, says) in [
        (vec![identity, ("IDENTITY_HEADER", "h")], "Outside App Service"),
        (vec![msi, ("MSI_SECRET", "s")], "Outside Azure Machine Learning"),
        (vec![msi], "Outside Cloud Shell"),
        (vec![identity, ("IMDS_ENDPOINT", "http://localhost:40342")], "Azure Arc's agent should listen"),
        (
            vec![
                ("IDENTITY_ENDPOINT", https.as_str()),
                ("IDENTITY_HEADER", "h"),
                ("IDENTITY_SERVER_THUMBPRINT", thumbprint),
            ],
            "Managed Identity Token Service",
        ),
        (vec![("AZURE_POD_IDENTITY_AUTHORITY_HOST", imds.as_str())], "Is this an Azure machine"),
    ] {
        let error = fetch(&variables).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Network);
        assert!(error.message().contains(says), "{says} is not in {error}");
        let is_imds = says.starts_with("Is this");
        assert!(is_imds || !error.message().contains("Is this an Azure machine"), "{error}");
    }
}

#[test]
fn who_takes_the_connection_and_does_not_answer_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let imds = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || drop(listener.accept()));
    let error = fetch(&[("AZURE_POD_IDENTITY_AUTHORITY_HOST", &imds)]).err().unwrap();
    assert!(error.message().contains("took the connection"), "{error}");
    assert!(!error.message().contains("Is this an Azure machine"), "{error}");
}

#[test]
fn a_token_for_another_resource_is_noticed() {
    use base64::Engine as _;
    let claims = r#"{"aud":"https://management.azure.com","oid":"o","exp":4102444800}"#;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
    let body = format!(r#"{{"access_token":"e30.{payload}.sig","expires_in":3600}}"#);
    let (endpoint, _requests) = stub(vec![http("200 OK", "", &body)]);
    let mut config = Config::new();
    config.set("identity", "managed_identity").unwrap();
    let variables = [("IDENTITY_ENDPOINT", endpoint.as_str()), ("IDENTITY_HEADER", "h")];
    let settings = resolved(&config, &variables, &Folder::new("audience"));
    let source = source(&settings).unwrap();
    let mut grant = source.fetch(SOON).unwrap();
    assert!(source.advice(&grant).unwrap().contains("management.azure.com"));
    for audience in ["https://redis.azure.com/", "acca5fbb-b7e4-4009-81f1-37e38fd66d78"] {
        let claims = format!(r#"{{"aud":"{audience}","oid":"o"}}"#);
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        grant.secret = format!("e30.{payload}.sig").into();
        assert_eq!(source.advice(&grant), None, "{audience}");
    }
}

#[test]
fn several_identities_on_a_machine_are_told_apart_by_a_variable_that_the_error_names() {
    let body = r#"{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"}"#;
    let (endpoint, _requests) = stub(vec![http("400 Bad Request", "", body)]);
    let refused = fetch(&[("IDENTITY_ENDPOINT", &endpoint), ("IDENTITY_HEADER", "h")]).err().unwrap();
    assert!(refused.message().contains("ENTRAKEY_CLIENT_ID"), "{refused}");
    assert_eq!(refused.managed_identity(), Some(ManagedIdentityFault::Several));
}
