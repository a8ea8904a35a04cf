//! An application proves who it is by the certificate that the emulator made for it, over the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should panic")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use entrakey_emulator::{Emulator, Options};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A running emulator, and what a client on its host knows.
struct Bench {
    emulator: Emulator,
    variables: BTreeMap<String, String>,
    key: EncodingKey,
    certificate: Vec<u8>,
}

impl Bench {
    async fn start() -> Self {
        let emulator = Emulator::start(Options::default()).await.unwrap();
        let variables: BTreeMap<_, _> =
            emulator.env("client_certificate").await.unwrap().into_iter().collect();
        // One file with both, as Azure's own libraries read it.
        let pem = std::fs::read(&variables["AZURE_CLIENT_CERTIFICATE_PATH"]).unwrap();
        let private = std::fs::read(&variables["ENTRAKEY_EMULATOR_PRIVATE_KEY_PATH"]).unwrap();
        let certificate = CertificateDer::from_pem_slice(&pem).unwrap().to_vec();
        Self { emulator, variables, key: EncodingKey::from_rsa_pem(&private).unwrap(), certificate }
    }

    fn header(&self, algorithm: Algorithm) -> Header {
        let mut header = Header::new(algorithm);
        match algorithm {
            Algorithm::PS256 => {
                header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, &self.certificate)))
            }
            _ => {
                header.x5t =
                    Some(URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate)))
            }
        }
        header
    }

    fn audience(&self, authority: &str) -> String {
        format!("https://{authority}/{}/oauth2/v2.0/token", self.variables["AZURE_TENANT_ID"])
    }

    fn claims(&self, authority: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let id = &self.variables["AZURE_CLIENT_ID"];
        json!({"iss": id, "sub": id, "aud": self.audience(authority), "jti": "j", "nbf": now, "exp": now + 600})
    }

    /// Asks for a token of `host`; status and body.
    async fn ask(&self, host: &str, header: &Header, claims: &Value) -> (u16, Value) {
        let assertion = jsonwebtoken::encode(header, claims, &self.key).unwrap();
        let form = format!(
            "client_id={}&grant_type=client_credentials&scope=https%3A%2F%2Fredis.azure.com%2F.default\
             &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
             &client_assertion={assertion}",
            self.variables["AZURE_CLIENT_ID"]
        );
        let path = format!("/{}/oauth2/v2.0/token", self.variables["AZURE_TENANT_ID"]);
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}",
            form.len()
        );
        let mut stream = self.connect(host).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await; // the end may come without TLS's own
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    /// The connection goes to the emulator, whatever it is called.
    async fn connect(&self, host: &str) -> tokio_rustls::client::TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.emulator.ca_pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.emulator.https_address()).await.unwrap();
        let name = ServerName::try_from(host.split(':').next().unwrap().to_owned()).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}

fn code(body: &Value) -> &Value {
    &body["error_codes"][0]
}

#[tokio::test]
async fn both_kinds_of_assertion_get_a_token_for_the_applications_object_id() {
    let bench = Bench::start().await;
    let here = bench.emulator.https_address().to_string();
    let environment: BTreeMap<_, _> = bench.emulator.environment().into_iter().collect();
    for algorithm in [Algorithm::PS256, Algorithm::RS256] {
        let (status, body) = bench.ask(&here, &bench.header(algorithm), &bench.claims(&here)).await;
        assert_eq!(status, 200, "{body}");
        let payload = body["access_token"].as_str().unwrap().split('.').nth(1).unwrap();
        let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(claims["oid"], environment["ENTRAKEY_EMULATOR_CERTIFICATE_APP_OBJECT_ID"].as_str());
        assert_eq!(claims["appidacr"], "2");
    }
    let chain =
        Header { x5c: Some(vec![STANDARD.encode(&bench.certificate)]), ..bench.header(Algorithm::PS256) };
    assert_eq!(bench.ask(&here, &chain, &bench.claims(&here)).await.0, 200);
}

#[tokio::test]
async fn an_assertion_is_for_the_authority_that_was_asked() {
    let bench = Bench::start().await;
    let here = bench.emulator.https_address().to_string();
    let header = bench.header(Algorithm::PS256);
    let (china, government) = ("login.partner.microsoftonline.cn", "login.microsoftonline.us");
    assert_eq!(bench.ask(china, &header, &bench.claims(china)).await.0, 200);
    let (status, body) = bench.ask(china, &header, &bench.claims(government)).await;
    assert_eq!((status, code(&body)), (401, &json!(700_023)));
    let (_, body) = bench.ask(&here, &header, &bench.claims(china)).await;
    assert_eq!(code(&body), &json!(700_023));
}

#[tokio::test]
async fn a_refusal_says_which_key_and_nothing_of_the_assertion() {
    let bench = Bench::start().await;
    let here = bench.emulator.https_address().to_string();
    let unknown =
        Header { x5t_s256: Some(URL_SAFE_NO_PAD.encode([7; 32])), ..bench.header(Algorithm::PS256) };
    let (status, body) = bench.ask(&here, &unknown, &bench.claims(&here)).await;
    assert_eq!((status, &body["error"], code(&body)), (401, &json!("invalid_client"), &json!(700_027)));
    let description = body["error_description"].as_str().unwrap();
    assert!(
        description.contains(&"07".repeat(32)) && description.contains("The key was not found."),
        "{description}"
    );
    let mut old = bench.claims(&here);
    old["exp"] = json!(1_000_000_000);
    let (_, body) = bench.ask(&here, &bench.header(Algorithm::PS256), &old).await;
    assert_eq!(code(&body), &json!(700_024));
    assert!(
        body["error_description"].as_str().unwrap().contains("expiry time of assertion 2001-09-09T01:46:40")
    );
}

#[tokio::test]
async fn a_stopped_emulator_leaves_no_files() {
    let bench = Bench::start().await;
    let file = bench.variables["AZURE_CLIENT_CERTIFICATE_PATH"].clone();
    assert!(std::fs::exists(&file).unwrap());
    drop(bench);
    assert!(!std::fs::exists(&file).unwrap());
}
