//! An application with a certificate: the older form of its signature, and files that change.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should panic")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entrakey_core::{Config, ErrorKind, Provider};
use entrakey_tests::{Emulator, Folder, wait_until};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// A configuration of the emulator's application with a certificate, without the certificate.
fn application(variables: &BTreeMap<String, String>) -> Config {
    let mut config = Config::new();
    for (key, variable) in [
        ("tenant_id", "AZURE_TENANT_ID"),
        ("client_id", "AZURE_CLIENT_ID"),
        ("authority_host", "AZURE_AUTHORITY_HOST"),
        ("ca_file", "ENTRAKEY_CA_FILE"),
    ] {
        config.set(key, &variables[variable]).unwrap();
    }
    config.set("identity", "service_principal").unwrap();
    config
}

fn text(variables: &BTreeMap<String, String>, name: &str) -> String {
    std::fs::read_to_string(&variables[name]).unwrap()
}

const CERTIFICATE: &str = "ENTRAKEY_EMULATOR_CERTIFICATE_PATH";
const PRIVATE_KEY: &str = "ENTRAKEY_EMULATOR_PRIVATE_KEY_PATH";

#[test]
fn a_thumbprint_and_a_key_are_enough() {
    let emulator = Emulator::start("1h");
    let variables = emulator.env("client_certificate");
    let pem = text(&variables, CERTIFICATE);
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(base64).unwrap();
    let sha1 = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let sha1: String = sha1.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let mut config = application(&variables);
    config.set("certificate_thumbprint", &sha1).unwrap();
    config.set("private_key", &text(&variables, PRIVATE_KEY)).unwrap();
    let token = Provider::new(&config).unwrap().get_token().unwrap();
    assert_eq!(token.username(), variables["ENTRAKEY_EMULATOR_CERTIFICATE_APP_OBJECT_ID"]);
}

#[test]
fn a_certificate_that_is_replaced_is_taken_at_once_after_a_refusal_and_a_key_alone_too() {
    let emulator = Emulator::start("1h");
    let variables = emulator.env("client_certificate");
    let folder = Folder::new("certificates");
    // The certificate is the authority's own, to which the key does not belong.
    let certificate = folder.write("certificate.pem", &text(&variables, "ENTRAKEY_CA_FILE"));
    let key = folder.write("key.pem", &text(&variables, PRIVATE_KEY));
    let mut config = application(&variables);
    config.set("certificate_path", certificate.to_str().unwrap()).unwrap();
    config.set("private_key_path", key.to_str().unwrap()).unwrap();
    config.set("min_request_interval_ms", "250").unwrap(); // the request that refresh() asks for comes soon
    let provider = Provider::new(&config).unwrap();
    let error = provider.get_token().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig);
    assert!(!error.to_string().contains("PRIVATE"), "{error}");
    provider.refresh().unwrap(); // after this second refusal the next scheduled attempt is some 10 s away
    wait_until("a second refusal", || provider.status().counters.failures.get("INVALID_CONFIG") == Some(&2));
    let (start, planned) = (Instant::now(), provider.status().next_refresh_in_ms.unwrap());
    folder.write("certificate.pem", &text(&variables, CERTIFICATE));
    wait_until("a token", || provider.get_token().is_ok());
    assert!(start.elapsed() < Duration::from_millis(planned), "it was the scheduled attempt that brought it");
    // The file is read again: the client that the old contents made is not used for ever.
    folder.write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    provider.refresh().unwrap();
    wait_until("a refusal", || provider.status().counters.failures.get("INVALID_CONFIG") > Some(&2));
    assert!(provider.get_token().is_ok(), "the token in hand stays");
}

#[test]
fn a_clock_that_entra_minds_is_reckoned_with_and_the_token_comes_all_the_same() {
    let emulator = Emulator::start("1h");
    let variables = emulator.env("client_certificate");
    let mut config = application(&variables);
    config.set("certificate_path", &variables[CERTIFICATE]).unwrap();
    config.set("private_key_path", &variables[PRIVATE_KEY]).unwrap();
    let there = SystemTime::now() + Duration::from_secs(100);
    let body = json!({"error_codes": [700_024], "error_description": "AADSTS700024: out of its time"});
    let refusal = json!({
        "status": 401, "headers": {"Date": httpdate::fmt_http_date(there)}, "body": body.to_string(),
    });
    emulator.control("POST", "/emulator/faults", Some(&json!({"route": "token", "answers": [refusal]})));
    let provider = Provider::new(&config).unwrap();
    provider.get_token().unwrap();
    assert_eq!(provider.status().counters.fetches, 1, "{}", provider.status().to_json());
    assert_eq!(emulator.token_requests(), 2);
}
