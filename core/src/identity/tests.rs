//! Each managed identity endpoint as its hosting environment has it, played by a stub on loopback.

use super::source;
use crate::config::{Config, Environment, Settings};
use crate::error::{ErrorKind, Result};
use crate::grant::Grant;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
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
    assert!(!error.to_string().contains("app-service-secret"), "{error}");
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
