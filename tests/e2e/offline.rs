//! The script under which everything here is tested.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use entrakey_tests::root;
use std::process::Command;

#[test]
fn tests_inherit_nothing_that_a_developers_shell_says_of_identities_proxies_or_certificates() {
    let foreign = [
        "ALL_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "ENTRAKEY_IDENTITY",
        "IDENTITY_ENDPOINT",
        "IMDS_ENDPOINT",
        "KUBERNETES_SERVICE_HOST",
        "MSI_SECRET",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    ];
    let mut script = Command::new("sh");
    script.arg(root().join("scripts/offline.sh")).arg("env");
    for name in foreign {
        script.env(name, "http://a-developers-own");
    }
    let done = script.env("PLAIN", "kept").env("no_proxy", "a-developers-own").output().unwrap();
    let environment = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && environment.contains("PLAIN=kept"), "{environment}");
    for line in environment.lines() {
        assert!(!line.contains("a-developers-own"), "{line}");
    }
    assert!(environment.contains("NO_PROXY=127.0.0.1,localhost"), "{environment}");
}
