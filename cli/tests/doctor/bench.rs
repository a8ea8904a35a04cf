//! An emulator, and the command as a user would run it there.

use entrakey_emulator::{Emulator, Family, Options, RedisOptions, Variables};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

pub(crate) const MANAGED: &str = "emulated.westeurope.redis.azure.net";
pub(crate) const CLASSIC: &str = "emulated.redis.cache.windows.net";

pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    folder: PathBuf,
    host: &'static str,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A life for tokens whose rotation is watched: the steps before that have to be over by then, on a busy machine too.
pub(crate) const WATCHED: Duration = Duration::from_secs(15);

/// What a command said.
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) text: String,
    pub(crate) errors: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error}: {}{}", self.text, self.errors))
    }

    /// The ids of a step's causes, or of its notes.
    pub(crate) fn ids(&self, step: &str, of: &str) -> Vec<String> {
        let found = self.step(step);
        let listed = found[of].as_array().unwrap_or_else(|| panic!("no {of} of {step}: {}", self.text));
        listed.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn step(&self, step: &str) -> Value {
        let document = self.json();
        let steps = document["steps"].as_array().unwrap();
        let found = steps.iter().find(|one| one["step"] == step);
        found.unwrap_or_else(|| panic!("no step {step}: {}", self.text)).clone()
    }

    /// The verdicts that are a problem, with their causes.
    pub(crate) fn problems(&self) -> Vec<(String, Vec<String>)> {
        let document = self.json();
        let steps = document["steps"].as_array().unwrap().iter().filter(|one| one["verdict"] == "problem");
        steps
            .map(|one| one["step"].as_str().unwrap().to_owned())
            .map(|step| (step.clone(), self.ids(&step, "causes")))
            .collect()
    }
}

impl Bench {
    pub(crate) async fn start(redis: RedisOptions) -> Self {
        Self::with(Options::default().with_redis(redis)).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let host = match options.redis.family {
            Family::Amr => MANAGED,
            Family::Classic => CLASSIC,
        };
        let emulator = Emulator::start(options).await.unwrap();
        let unique = format!("entrakey-doctor-{}-{}", std::process::id(), emulator.http_address().port());
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&folder).unwrap();
        Self { emulator, folder, host }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn port(&self) -> u16 {
        self.emulator.redis_address().port()
    }

    /// The cache, by its public name.
    pub(crate) fn target(&self) -> String {
        format!("{}:{}", self.host, self.port())
    }

    /// The variables of an environment of the emulator's.
    pub(crate) async fn env(&self, name: &str) -> Variables {
        self.emulator.env(name).await.unwrap()
    }

    /// `entrakey doctor` of the cache with these options, as JSON, as a managed identity of a virtual machine.
    pub(crate) async fn doctor(&self, options: &[&str]) -> Told {
        let variables = self.env("imds").await;
        self.doctor_in(&variables, &self.target(), &[&["--identity", "managed_identity"], options].concat())
            .await
    }

    pub(crate) async fn doctor_in(&self, variables: &Variables, target: &str, options: &[&str]) -> Told {
        let resolve = format!("{}=127.0.0.1", self.host);
        let arguments = ["doctor", target, "-o", "json", "--resolve", resolve.as_str()];
        run(variables, &[&arguments[..], options].concat()).await
    }

    /// A client of that port that has signed in, as long as it is held.
    pub(crate) async fn client(&self, port: u16, user: &str, password: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.emulator.ca_pem().as_bytes()).unwrap()).unwrap();
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = ServerName::try_from(self.host).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        stream.write_all(format!("AUTH {user} {password}\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
        stream
    }

    /// A secret of another kind is looked for in what was told: no report holds a token.
    pub(crate) fn assert_no_secret(&self, told: &Told) {
        for text in [&told.text, &told.errors] {
            assert!(!text.contains("eyJ"), "a token: {text}");
            assert!(!text.contains("emulated-client-secret"), "a secret: {text}");
        }
    }
}

/// Runs the command with these variables and no others but the path.
pub(crate) async fn run(variables: &Variables, arguments: &[&str]) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_entrakey"));
    command.env_clear().env("PATH", "/usr/bin:/bin").args(arguments);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let told =
        Told { code: output.status.code().unwrap(), text: text(output.stdout), errors: text(output.stderr) };
    assert!(
        !told.text.contains("eyJ") && !told.errors.contains("eyJ"),
        "a token: {}{}",
        told.text,
        told.errors
    );
    told
}

/// Variables with some more, or others.
pub(crate) fn and(variables: &Variables, more: &[(&str, &str)]) -> Variables {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    variables.iter().cloned().chain(more).collect()
}
