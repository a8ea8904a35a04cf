//! Keys and certificates made here, in every form that people have; signatures checked by another library.

use super::Signer;
use super::client_certificate::{ClientCertificate, Material, Signing};
use super::content::{Content, sniff};
use crate::config::{Application, CertificateSettings, Proof, SecretLocation};
use crate::error::{Error, ErrorKind};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use p12_keystore::{EncryptionAlgorithm, KeyStore, KeyStoreEntry, MacAlgorithm, PrivateKey, PrivateKeyChain};
use pkcs8::pkcs5::pbes2::{self, EncryptionScheme, Kdf, Pbkdf2Params, Pbkdf2Prf, Salt};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rsa::pkcs1::EncodeRsaPrivateKey as _;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::sha2::Sha256;
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey};
use serde_json::{Value, json};
use std::sync::OnceLock;
use zeroize::Zeroizing;

const NOW: u64 = 1_700_000_000; // November 2023
const PASSWORD: &str = "Pa55 wörd €";
const AUDIENCE: &str = "https://login.microsoftonline.com/t/oauth2/v2.0/token";

/// A key with a certificate that an authority issued.
struct Made {
    key: RsaPrivateKey,
    pkcs8: Vec<u8>,
    pkcs8_pem: String,
    pkcs1_pem: String,
    certificate: String,
    authority: String,
    der: Vec<u8>,
    authority_der: Vec<u8>,
}

fn make(name: &str) -> Made {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pkcs8_pem = key.to_pkcs8_pem(Default::default()).unwrap().to_string();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, format!("{name}'s authority"));
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.not_before = rcgen::date_time_ymd(2023, 1, 2);
    leaf.not_after = rcgen::date_time_ymd(2024, 3, 4);
    let leaf_key = KeyPair::from_pkcs8_pem_and_sign_algo(&pkcs8_pem, &PKCS_RSA_SHA256).unwrap();
    let leaf = leaf.signed_by(&leaf_key, &Issuer::new(authority, authority_key)).unwrap();
    Made {
        pkcs8: key.to_pkcs8_der().unwrap().as_bytes().to_vec(),
        pkcs1_pem: key.to_pkcs1_pem(Default::default()).unwrap().to_string(),
        key,
        pkcs8_pem,
        certificate: leaf.pem(),
        authority: authority_certificate.pem(),
        der: leaf.der().to_vec(),
        authority_der: authority_certificate.der().to_vec(),
    }
}

fn alice() -> &'static Made {
    static ALICE: OnceLock<Made> = OnceLock::new();
    ALICE.get_or_init(|| make("Alice"))
}

fn bob() -> &'static Made {
    static BOB: OnceLock<Made> = OnceLock::new();
    BOB.get_or_init(|| make("Bob"))
}

impl Made {
    fn pem<'a>(&'a self, private_key: &'a str, password: Option<&'a str>) -> Material<'a> {
        Material::Pem { certificate: &self.certificate, private_key: Some(private_key), password }
    }

    fn keystore(&self) -> KeyStore {
        let certificates = [&self.der, &self.authority_der];
        let certificates = certificates.map(|der| p12_keystore::Certificate::from_der(der).unwrap());
        let key = PrivateKey::from_der(&self.pkcs8).unwrap();
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("id", key, certificates);
        store.add_entry("alice", KeyStoreEntry::PrivateKeyChain(chain));
        store
    }

    fn pfx(&self, encryption: EncryptionAlgorithm, mac: MacAlgorithm, password: &str) -> Vec<u8> {
        let store = self.keystore();
        let writer = store.writer(password).encryption_algorithm(encryption).encryption_iterations(99);
        writer.mac_algorithm(mac).mac_iterations(77).write().unwrap()
    }

    /// Header and claims of an assertion that this key signed.
    fn opened(&self, assertion: &str) -> (Value, Value) {
        let parts: Vec<&str> = assertion.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("not a JWT: {assertion}") };
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
        let json = |part| serde_json::from_slice::<Value>(&decode(part)).unwrap();
        let (header_json, claims_json) = (json(header), json(claims));
        let hash = digest(&SHA256, format!("{header}.{claims}").as_bytes());
        let public = self.key.to_public_key();
        match header_json["alg"].as_str().unwrap() {
            "PS256" => public.verify(Pss::new::<Sha256>(), hash.as_ref(), &decode(signature)),
            "RS256" => public.verify(Pkcs1v15Sign::new::<Sha256>(), hash.as_ref(), &decode(signature)),
            other => panic!("{other}"),
        }
        .unwrap();
        (header_json, claims_json)
    }
}

fn load(material: Material<'_>) -> ClientCertificate {
    ClientCertificate::load(material).unwrap()
}

fn assertion(certificate: &ClientCertificate, send_chain: bool) -> String {
    certificate.assertion("client", AUDIENCE, Signing { send_chain }, NOW).unwrap().to_string()
}

/// The certificate works: alice's key signs with it.
fn works(material: Material<'_>) {
    alice().opened(&assertion(&load(material), false));
}

/// The error, which holds no secret.
fn refused(material: Material<'_>) -> String {
    let error = ClientCertificate::load(material).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{error}");
    harmless(&format!("{error} {error:?}"));
    error.to_string()
}

fn harmless(text: &str) {
    let key = alice().pkcs8_pem.lines().nth(1).unwrap();
    assert!(!text.contains(&key[..16]) && !text.contains("55 w"), "{text}");
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn parameters(prf: Pbkdf2Prf, encryption: EncryptionScheme) -> pbes2::Parameters {
    let salt = Salt::new(b"eight or more").unwrap();
    let kdf = Kdf::Pbkdf2(Pbkdf2Params { salt, iteration_count: 99, key_length: None, prf });
    pbes2::Parameters { kdf, encryption }
}

/// Alice's key, encrypted.
fn encrypted(parameters: pbes2::Parameters) -> String {
    let key = pkcs8::PrivateKeyInfoRef::try_from(alice().pkcs8.as_slice()).unwrap();
    let document = key.encrypt_with_params(parameters, PASSWORD).unwrap();
    document.to_pem("ENCRYPTED PRIVATE KEY", Default::default()).unwrap().to_string()
}

fn encrypted_as_usual() -> String {
    encrypted(parameters(Pbkdf2Prf::HmacWithSha256, EncryptionScheme::Aes256Cbc { iv: [7; 16] }))
}

#[test]
fn an_assertion_says_what_entra_wants_to_read() {
    let certificate = load(alice().pem(&alice().pkcs8_pem, None));
    let (header, mut claims) = alice().opened(&assertion(&certificate, false));
    let sha256 = URL_SAFE_NO_PAD.encode(digest(&SHA256, &alice().der));
    assert_eq!(header, json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256}));
    let jti = claims["jti"].take();
    let expected = json!({
        "aud": AUDIENCE, "iss": "client", "sub": "client", "jti": null,
        "nbf": NOW - 30, "iat": NOW - 30, "exp": NOW + 570,
    });
    assert_eq!(claims, expected);
    let jti = jti.as_str().unwrap();
    assert_eq!(jti.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{jti}");
    let (_, again) = alice().opened(&assertion(&certificate, false));
    assert_ne!(again["jti"], jti);
}

#[test]
fn a_key_may_be_pkcs_1_or_pkcs_8_and_stand_beside_the_certificate() {
    let made = alice();
    works(made.pem(&made.pkcs8_pem, None));
    works(made.pem(&made.pkcs1_pem, Some("a password that nothing needs")));
    let windows = format!("Bag Attributes\n{}{}", made.pkcs8_pem, made.certificate).replace('\n', "\r\n");
    works(Material::Pem { certificate: &windows, private_key: None, password: None });
    works(made.pem(&pem("PRIVATE KEY", &made.pkcs8), None)); // all on one line
}

#[test]
fn an_encrypted_key_opens_with_every_usual_algorithm() {
    use EncryptionScheme::{Aes128Cbc, Aes192Cbc, Aes256Cbc, DesEde3Cbc};
    use Pbkdf2Prf::{HmacWithSha1, HmacWithSha256, HmacWithSha384, HmacWithSha512};
    let iv = [7; 16];
    for (prf, cipher) in [
        (HmacWithSha1, Aes256Cbc { iv }),
        (HmacWithSha256, Aes128Cbc { iv }),
        (HmacWithSha256, Aes192Cbc { iv }),
        (HmacWithSha384, Aes256Cbc { iv }),
        (HmacWithSha512, Aes256Cbc { iv }),
        (HmacWithSha256, DesEde3Cbc { iv: [7; 8] }),
    ] {
        works(alice().pem(&encrypted(parameters(prf, cipher)), Some(PASSWORD)));
    }
}

#[test]
fn a_wrong_password_is_called_one_and_a_missing_one_is_asked_for() {
    let key = encrypted_as_usual();
    // One in 256 wrong passwords leaves what looks like a padding.
    for n in 0..600 {
        let error = refused(alice().pem(&key, Some(&format!("55 wrong {n}"))));
        assert!(error.contains("certificate_password does not open the private key"), "{error}");
    }
    for password in [None, Some("")] {
        let error = refused(alice().pem(&key, password));
        assert!(error.contains("is encrypted: set certificate_password"), "{error}");
    }
}

#[test]
fn what_is_not_supported_is_named_with_the_command_that_converts_it() {
    let old = alice().pkcs1_pem.replacen('\n', "\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-CBC,00\n\n", 1);
    // pbeWithMD5AndDES-CBC, salt and one round; some ciphertext.
    let pbes1 = pem(
        "ENCRYPTED PRIVATE KEY",
        b"\x30\x26\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x03\x30\x0d\x04\x08saltsalt\x02\x01\x01\
          \x04\x08\0\0\0\0\0\0\0\0",
    );
    let scrypt = pkcs8::pkcs5::scrypt::Params::new(4, 8, 1).unwrap();
    let scrypt = pbes2::Parameters::generate_scrypt_aes256cbc(scrypt, b"saltsalt", [7; 16]).unwrap();
    for (key, name) in [(old, "Proc-Type"), (pbes1, "PBES1"), (encrypted(scrypt), "scrypt")] {
        let error = refused(alice().pem(&key, Some(PASSWORD)));
        assert!(error.contains(name) && error.contains("openssl pkcs8 -topk8"), "{error}");
    }
}

#[test]
fn only_rsa_of_a_sensible_size_is_taken() {
    let elliptic = KeyPair::generate().unwrap();
    for key in [elliptic.serialize_pem(), pem("EC PRIVATE KEY", b"any")] {
        let error = refused(alice().pem(&key, None));
        assert!(error.contains("elliptic curve") && error.contains("RSA only"), "{error}");
    }
    let small = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    let error = refused(alice().pem(&small.to_pkcs8_pem(Default::default()).unwrap(), None));
    assert!(error.contains("TooSmall") && error.contains("2048"), "{error}");
    // An elliptic certificate beside an RSA key is somebody else's.
    let certificate = CertificateParams::default().self_signed(&elliptic).unwrap().pem();
    let key = Some(alice().pkcs8_pem.as_str());
    let error = refused(Material::Pem { certificate: &certificate, private_key: key, password: None });
    assert!(error.contains("do not belong together"), "{error}");
}

#[test]
fn certificate_and_key_must_belong_together() {
    let error = refused(alice().pem(&bob().pkcs8_pem, None));
    assert!(error.contains("do not belong together"), "{error}");
}

#[test]
fn the_leaf_is_the_one_with_the_key_and_its_issuers_follow_it() {
    let made = alice();
    let all = [&bob().certificate, &made.authority, &bob().authority, &made.certificate, &made.authority];
    let all: String = all.map(String::as_str).concat();
    let key = Some(made.pkcs8_pem.as_str());
    let certificate = load(Material::Pem { certificate: &all, private_key: key, password: None });
    let (header, _) = made.opened(&assertion(&certificate, true));
    assert_eq!(header["x5c"], json!([STANDARD.encode(&made.der), STANDARD.encode(&made.authority_der)]));
    assert_eq!(header["x5t#S256"], URL_SAFE_NO_PAD.encode(digest(&SHA256, &made.der)));
}

#[test]
fn a_pfx_opens_with_every_encryption_new_and_old() {
    use EncryptionAlgorithm as Encryption;
    for (encryption, mac) in [
        (Encryption::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256),
        (Encryption::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha384),
        (Encryption::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha512),
        (Encryption::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1),
        (Encryption::PbeWithShaAnd40BitRc4Cbc, MacAlgorithm::HmacSha1), // RC2, whatever its name says
    ] {
        for (written, given) in [(PASSWORD, Some(PASSWORD)), ("", None), ("", Some(""))] {
            let bytes = alice().pfx(encryption, mac, written);
            let certificate = load(Material::Pfx { bytes: &bytes, password: given });
            let (header, _) = alice().opened(&assertion(&certificate, true));
            let chain = json!([STANDARD.encode(&alice().der), STANDARD.encode(&alice().authority_der)]);
            assert_eq!(header["x5c"], chain, "{encryption:?}");
        }
    }
}

#[test]
fn a_pfx_with_the_wrong_password_or_without_a_key_says_so() {
    let bytes = alice().pfx(EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc, MacAlgorithm::HmacSha1, PASSWORD);
    let error = refused(Material::Pfx { bytes: &bytes, password: Some("55 wrong") });
    assert!(error.contains("certificate_password does not open the PFX"), "{error}");
    let error = refused(Material::Pfx { bytes: &bytes, password: None });
    assert!(error.contains("The PFX is encrypted: set certificate_password"), "{error}");
    let mut store = KeyStore::new();
    let certificate = p12_keystore::Certificate::from_der(&alice().der).unwrap();
    store.add_entry("alone", KeyStoreEntry::Certificate(certificate));
    let bytes = store.writer(PASSWORD).mac_iterations(1).write().unwrap();
    let error = refused(Material::Pfx { bytes: &bytes, password: Some(PASSWORD) });
    assert!(error.contains("holds no private key"), "{error}");
}

#[test]
fn damage_is_an_error_and_never_a_panic() {
    let pfx =
        alice().pfx(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1, PASSWORD);
    let text = format!("{}{}", encrypted_as_usual(), alice().certificate);
    let _ = refused(Material::Pfx { bytes: b"", password: None });
    let _ = refused(Material::Pem { certificate: "nothing", private_key: None, password: None });
    let cut = refused(Material::Pem { certificate: &text[..200], private_key: None, password: None });
    assert!(cut.contains("no end line"), "{cut}");
    let mut unnoticed = 0;
    for at in 0..pfx.len() {
        let mut damaged = pfx.clone();
        damaged[at] ^= 0x55;
        match ClientCertificate::load(Material::Pfx { bytes: &damaged, password: Some(PASSWORD) }) {
            Err(error) => harmless(&error.to_string()),
            Ok(_) => unnoticed += 1,
        }
    }
    assert!(unnoticed < 5, "{unnoticed}"); // the number of the version, for instance
    for at in 0..text.len() {
        let mut damaged = text.clone().into_bytes();
        damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
        let damaged = String::from_utf8(damaged).unwrap();
        let material = Material::Pem { certificate: &damaged, private_key: None, password: Some(PASSWORD) };
        if let Err(error) = ClientCertificate::load(material) {
            harmless(&error.to_string());
        }
    }
}

#[test]
fn a_certificate_outside_its_dates_is_refused_with_the_date() {
    let certificate = load(alice().pem(&alice().pkcs8_pem, None));
    let at = |now| certificate.assertion("client", AUDIENCE, Signing::default(), now);
    let (from, to) = (1_672_617_600, 1_709_510_400); // 2023-01-02 and 2024-03-04
    at(from).unwrap();
    at(to).unwrap();
    let late: Error = at(to + 1).unwrap_err();
    assert_eq!((late.kind(), late.is_retriable()), (ErrorKind::IdentityUnavailable, false));
    assert!(late.to_string().contains("expired on Mon, 04 Mar 2024 00:00:00 GMT"), "{late}");
    let early = at(from - 1).unwrap_err();
    assert_eq!((early.kind(), early.is_retriable()), (ErrorKind::IdentityUnavailable, true));
    assert!(early.to_string().contains("valid only from Mon, 02 Jan 2023"), "{early}");
}

#[test]
fn a_thumbprint_stands_in_for_the_certificate() {
    let made = alice();
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, &made.der);
    let hex: Vec<String> = sha1.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    fn with<'a>(sha1: &'a str, certificate: Option<&'a str>) -> Material<'a> {
        Material::Thumbprint { sha1, private_key: &alice().pkcs1_pem, password: None, certificate }
    }
    let x5t = URL_SAFE_NO_PAD.encode(sha1);
    for form in [hex.concat(), hex.join(":"), hex.concat().to_lowercase()] {
        let certificate = load(with(&form, None));
        let (header, _) = made.opened(&assertion(&certificate, false));
        assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "x5t": x5t}));
        let error = certificate.assertion("client", AUDIENCE, Signing { send_chain: true }, NOW).unwrap_err();
        assert!(error.to_string().contains("send_certificate_chain needs the certificate"), "{error}");
    }
    let known = load(with(&hex.concat(), Some(&made.certificate)));
    let (header, _) = made.opened(&assertion(&known, true));
    let x5c = [STANDARD.encode(&made.der)];
    assert_eq!(header, json!({"alg": "RS256", "typ": "JWT", "x5t": x5t, "x5c": x5c}));

    for wrong in ["", "abc", &hex.concat()[1..], &format!("{}0", hex.concat()), &"ü".repeat(40)] {
        assert!(refused(with(wrong, None)).contains("40 hexadecimal digits"));
    }
    let other = "00".repeat(20);
    assert!(refused(with(&other, Some(&made.certificate))).contains("of another certificate"));
    assert!(refused(with(&other, Some(&bob().certificate))).contains("do not belong together"));
}

#[test]
fn a_file_is_told_by_its_content() {
    let pfx = alice().pfx(EncryptionAlgorithm::PbeWithHmacSha256AndAes256, MacAlgorithm::HmacSha256, "");
    assert!(matches!(sniff(&pfx), Ok(Content::Pfx(it)) if it == pfx));
    let text = format!("\u{feff}some text\n{}", alice().certificate);
    assert!(matches!(sniff(text.as_bytes()), Ok(Content::Pem(it)) if it == text));
    let utf16: Vec<u8> = [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for (bytes, expected) in [
        (alice().der.as_slice(), "openssl x509 -inform der"),
        (&utf16, "UTF-16"),
        (&alice().pkcs8, "give that in PEM"),
        (b"", "neither in PEM"),
        (b"a secret", "neither in PEM"),
        (b"\"MIIJ\"", "quotes"),
    ] {
        let error = sniff(bytes).err().unwrap();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

/// An assertion of what a certificate's place holds, or why there is none.
fn of_place(place: SecretLocation, password: Option<&str>) -> Result<String, Error> {
    let from = CertificateSettings {
        certificate: Some(place),
        private_key: None,
        password: password.map(|text| Zeroizing::new(text.to_owned())),
        thumbprint: None,
        send_chain: false,
    };
    let application = Application {
        authority_host: "https://login".to_owned(),
        tenant_id: "t".to_owned(),
        client_id: "c".to_owned(),
        proof: Proof::Callback(crate::request::HostCallback::new("assertion", std::sync::Arc::new(drop))),
        explanation: Default::default(),
    };
    // The certificate's dates are long past: this machine's clock is said to be ahead by so much.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let skew_ms = i64::try_from((now - NOW) * 1000).unwrap();
    Signer::default().assertion(&application, &from, skew_ms).map(|assertion| assertion.to_string())
}

#[test]
fn a_pfx_may_be_in_base64_as_key_vault_gives_it() {
    let value = |text: &str| SecretLocation::Inline(Zeroizing::new(text.to_owned()));
    let make = |password| {
        STANDARD.encode(alice().pfx(
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
            password,
        ))
    };
    let (open, locked) = (make(""), make(PASSWORD));
    let lines: Vec<&str> =
        open.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let forms = [
        open.clone(),
        format!("{open}\n"),
        lines.join("\n"),
        lines.join("\r\n"),
        format!("\u{feff} {}\r\n", open.trim_end_matches('=')),
        STANDARD.encode(format!("{}{}", alice().pkcs8_pem, alice().certificate)), // a secret of Kubernetes', twice encoded
    ];
    for form in forms {
        alice().opened(&of_place(value(&form), None).unwrap());
        let path = std::env::temp_dir().join(format!("entrakey-base64-{}.pfx", std::process::id()));
        std::fs::write(&path, &form).unwrap();
        let file = of_place(SecretLocation::File { key: "certificate_path", path: path.clone() }, None);
        std::fs::remove_file(&path).unwrap();
        alice().opened(&file.unwrap());
        assert!(
            crate::config::Config::new().set("certificate", &form).is_ok() || form.starts_with('\u{feff}')
        );
    }
    alice().opened(&of_place(value(&locked), Some(PASSWORD)).unwrap());
    let refused = |text: &str, password| {
        let error = of_place(value(text), password).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidConfig);
        error.message().to_owned()
    };
    assert!(refused(&locked, None).contains("certificate_password"));
    assert!(refused(&locked, Some("wrong")).contains("does not open"));
    let der = refused(&STANDARD.encode(&alice().der), None);
    assert!(der.contains("DER") && der.contains("no private key") && der.contains("base64"), "{der}");
    let key = refused(&STANDARD.encode(&alice().pkcs8), None);
    assert!(key.contains("private_key_path") && key.contains("base64"), "{key}");
    let nonsense = refused("hunter2hunter2", None);
    assert!(nonsense.contains("neither in PEM") && !nonsense.contains("hunter2"), "{nonsense}");
}

#[test]
fn neither_debug_nor_an_error_shows_a_secret() {
    let certificate = load(alice().pem(&encrypted_as_usual(), Some(PASSWORD)));
    assert_eq!(format!("{certificate:?}"), "ClientCertificate { certificates: 1, .. }");
}

#[test]
fn an_assertion_has_the_times_of_entras_clock() {
    let from = CertificateSettings {
        certificate: None,
        private_key: Some(SecretLocation::Inline(Zeroizing::new(alice().pkcs8_pem.clone()))),
        password: None,
        thumbprint: Some("0a".repeat(20)),
        send_chain: false,
    };
    let application = Application {
        authority_host: "https://login".to_owned(),
        tenant_id: "t".to_owned(),
        client_id: "c".to_owned(),
        proof: Proof::Certificate(from),
        explanation: Default::default(),
    };
    let Proof::Certificate(from) = &application.proof else { panic!("another proof") };
    let begins = |skew_ms| {
        let assertion = Signer::default().assertion(&application, from, skew_ms).unwrap();
        alice().opened(&assertion).1["nbf"].as_i64().unwrap()
    };
    let (here, behind, ahead) = (begins(0), begins(600_000), begins(-600_000));
    assert!((here - behind - 600).abs() <= 2 && (ahead - here - 600).abs() <= 2, "{behind} {here} {ahead}");
}
