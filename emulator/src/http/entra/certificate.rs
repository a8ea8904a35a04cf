//! An assertion that an application signed with the key of its certificate.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use super::Refusal;
use super::assertion::{Assertion, malformed};
use crate::certificates::ClientCertificate;
use crate::identities::Application;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::Algorithm;
use std::time::Duration;

/// Signature first: nothing of an assertion is believed before.
pub(super) fn check(
    assertion: &Assertion<'_>,
    client_id: &str,
    application: &Application,
    audiences: &[String],
    now: Duration,
) -> Result<(), Refusal> {
    check_signature(assertion, client_id, application, now)?;
    if !assertion.text("sub").eq_ignore_ascii_case(client_id) {
        let sentence = "Client assertion application identifier doesn't match 'client_id' parameter. Review the \
                        documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";
        return Err(Refusal::client(700_021, sentence));
    }
    let meant = |audience: &str| audiences.iter().any(|mine| mine.eq_ignore_ascii_case(audience));
    if !assertion.audiences().into_iter().any(meant) {
        let sentence = "Client assertion audience claim does not match Realm issuer. Review the documentation at \
                        https://learn.microsoft.com/entra/identity-platform/certificate-credentials .";
        return Err(Refusal::client(700_023, sentence));
    }
    if assertion.text("jti").is_empty() {
        return Err(malformed());
    }
    assertion.check_time(now)
}

fn check_signature(
    assertion: &Assertion<'_>,
    client_id: &str,
    application: &Application,
    now: Duration,
) -> Result<(), Refusal> {
    let header = &assertion.header;
    // Each algorithm with its own thumbprint: the second pair is the legacy one.
    type Thumbprint = fn(&ClientCertificate) -> Vec<u8>;
    let (named, thumbprint_of): (_, Thumbprint) = match header.alg {
        Algorithm::PS256 => (header.x5t_s256.as_deref(), ClientCertificate::sha256),
        Algorithm::RS256 => (header.x5t.as_deref(), ClientCertificate::sha1),
        _ => return Err(malformed()),
    };
    let named = decode(named.unwrap_or_default());
    let thumbprint: String = named.iter().map(|byte| format!("{byte:02X}")).collect();
    let refuse = |reason: &str| Err(invalid(reason, &thumbprint, client_id));
    let Some(certificate) =
        application.certificates().find(|certificate| thumbprint_of(certificate) == named)
    else {
        return refuse("The key was not found.");
    };
    if !certificate.is_valid(now) {
        return refuse("The key used is expired.");
    }
    // A chain is not needed, but one that starts with another certificate is a client's mistake.
    let chain = header.x5c.as_ref().and_then(|chain| chain.first());
    if chain.is_some_and(|leaf| decoded(leaf).as_ref() != Some(&certificate.der)) {
        return refuse("The chain in x5c does not start with the certificate of the key.");
    }
    match assertion.is_signed_by(&certificate.key, header.alg) {
        true => Ok(()),
        false => refuse("The key was found, but use of the key to verify the signature failed."),
    }
}

/// msal for Python leaves the PEM's line breaks inside, and Entra takes that.
fn decoded(certificate: &str) -> Option<Vec<u8>> {
    STANDARD.decode(certificate.split_ascii_whitespace().collect::<String>()).ok()
}

fn invalid(reason: &str, thumbprint: &str, client_id: &str) -> Refusal {
    let sentence = format!(
        "Client assertion contains an invalid signature. [Reason - {reason}, Thumbprint of key used by client: \
         '{thumbprint}', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured \
         keys for app Id '{client_id}'.]"
    );
    Refusal::client(700_027, sentence)
}

/// base64url; Microsoft's library for Rust is known to send the other alphabet, and gets its tokens.
fn decode(thumbprint: &str) -> Vec<u8> {
    let plain = thumbprint.trim_end_matches('=').replace('+', "-").replace('/', "_");
    URL_SAFE_NO_PAD.decode(plain).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    const AUDIENCE: &str = "https://127.0.0.1:1/t/oauth2/v2.0/token";
    const NOW: u64 = 1_800_000_000;

    /// An application with a certificate, its key, and a key that is not registered.
    struct Bench {
        application: Application,
        key: EncodingKey,
        other: EncodingKey,
    }

    impl Bench {
        fn new() -> Self {
            let home = Home::create().unwrap();
            let generate = |app| ClientCertificate::generate(app, &home).unwrap();
            let (one, other) = (generate("one"), generate("two"));
            let key = |certificate: &ClientCertificate| {
                let pem = std::fs::read(&certificate.files.as_ref().unwrap().private_key).unwrap();
                EncodingKey::from_rsa_pem(&pem).unwrap()
            };
            let (key, other) = (key(&one), key(&other));
            home.remove();
            Self {
                application: Application { certificates: vec![one], ..Application::default() },
                key,
                other,
            }
        }

        fn header(&self, algorithm: Algorithm) -> Header {
            let certificate = &self.application.certificates[0];
            let mut header = Header::new(algorithm);
            match algorithm {
                Algorithm::PS256 => header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(certificate.sha256())),
                _ => header.x5t = Some(URL_SAFE_NO_PAD.encode(certificate.sha1())),
            }
            header
        }

        fn verdict(&self, header: &Header, claims: &Value, key: &EncodingKey) -> Result<(), u32> {
            let token = jsonwebtoken::encode(header, claims, key).unwrap();
            let assertion = Assertion::parse(&token).map_err(|refusal| refusal.code)?;
            check(&assertion, "app", &self.application, &[AUDIENCE.to_owned()], Duration::from_secs(NOW))
                .map_err(|refusal| refusal.code)
        }
    }

    fn claims() -> Value {
        json!({"iss": "app", "sub": "app", "aud": AUDIENCE, "jti": "j", "nbf": NOW, "exp": NOW + 600})
    }

    #[test]
    fn both_forms_are_accepted_and_whatever_is_wrong_has_its_number() {
        let bench = Bench::new();
        let (modern, legacy) = (bench.header(Algorithm::PS256), bench.header(Algorithm::RS256));
        for header in [&modern, &legacy] {
            assert_eq!(bench.verdict(header, &claims(), &bench.key), Ok(()));
            assert_eq!(bench.verdict(header, &claims(), &bench.other), Err(700_027), "another key");
        }
        let der = STANDARD.encode(&bench.application.certificates[0].der);
        let with = |change: &dyn Fn(&mut Header)| {
            let mut header = modern.clone();
            change(&mut header);
            bench.verdict(&header, &claims(), &bench.key)
        };
        assert_eq!(with(&|header| header.x5c = Some(vec![der.clone()])), Ok(()));
        assert_eq!(with(&|header| header.x5c = Some(vec!["AAAA".into()])), Err(700_027));
        assert_eq!(with(&|header| header.x5t_s256 = None), Err(700_027));
        assert_eq!(with(&|header| header.x5t_s256 = Some("AAAA".into())), Err(700_027));
        assert_eq!(with(&|header| header.alg = Algorithm::RS384), Err(50_027));
        let swapped = Header { x5t: legacy.x5t.clone(), ..Header::new(Algorithm::PS256) };
        assert_eq!(
            bench.verdict(&swapped, &claims(), &bench.key),
            Err(700_027),
            "x5t does not go with PS256"
        );
        let padded =
            Header { x5t: Some(STANDARD.encode(bench.application.certificates[0].sha1())), ..legacy };
        assert_eq!(bench.verdict(&padded, &claims(), &bench.key), Ok(()), "the other alphabet");
    }

    #[test]
    fn each_claim_is_looked_at() {
        let bench = Bench::new();
        let header = bench.header(Algorithm::PS256);
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            bench.verdict(&header, &claims, &bench.key)
        };
        assert_eq!(with("sub", json!("another")), Err(700_021));
        assert_eq!(with("aud", json!("https://elsewhere")), Err(700_023));
        assert_eq!(with("aud", json!(["https://elsewhere", AUDIENCE])), Ok(()));
        assert_eq!(with("jti", json!("")), Err(50_027));
        assert_eq!(with("exp", json!(NOW)), Err(700_024));
        assert_eq!(with("nbf", json!(NOW + 400)), Err(700_024));
        assert_eq!(with("nbf", Value::Null), Ok(()));
    }

    #[test]
    fn a_certificate_that_has_expired_proves_nothing() {
        let bench = Bench::new();
        let token = jsonwebtoken::encode(&bench.header(Algorithm::PS256), &claims(), &bench.key).unwrap();
        let assertion = Assertion::parse(&token).unwrap();
        let then = Duration::from_secs(100_000_000_000);
        let refusal = check(&assertion, "app", &bench.application, &[AUDIENCE.to_owned()], then).unwrap_err();
        assert_eq!(refusal.code, 700_027);
    }

    #[test]
    fn a_certificate_in_x5c_may_have_line_breaks() {
        assert_eq!(decoded("TWFu\nTWFu\r\n").as_deref(), Some(&b"ManMan"[..]));
        assert_eq!(decoded("TW!u"), None);
    }
}
