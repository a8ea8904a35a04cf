//! The contract cases of `tests/vectors/identities.json`, in every language, against the emulator. The format
//! is described in `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

use entrakey_tests::c_programs::no_getenv;
use entrakey_tests::{Emulator, Folder, artifact, built, root};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Which of the emulator's environments the program finds itself in.
    environment: String,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
    #[serde(default)]
    config: BTreeMap<String, String>,
    /// Files that are written before, by name; their paths are `${file:NAME}`.
    #[serde(default)]
    files: BTreeMap<String, String>,
    /// What the emulator answers instead, as its control API takes it.
    #[serde(default)]
    faults: Vec<Value>,
    expect: Expected,
    /// What must not be in anything that is shown.
    #[serde(default)]
    secrets: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    username: Option<String>,
    error: Option<String>,
    retriable: Option<bool>,
    aadsts: Option<u32>,
    #[serde(default)]
    says: Vec<String>,
}

/// A program that takes `key value …` and says what came of it.
struct Runner {
    language: &'static str,
    command: Vec<PathBuf>,
    /// Ends a program in which this library reads the environment too late.
    no_getenv: PathBuf,
}

fn runners() -> Vec<Runner> {
    let script = |name: &str| root().join("tests/contract").join(name);
    let no_getenv = no_getenv();
    let runner = |language, command| Runner { language, command, no_getenv: no_getenv.clone() };
    vec![
        runner("Rust", vec![built().join("examples/contract")]),
        runner("C", vec![c_runner()]),
        runner("Python", vec![root().join(".venv/bin/python"), script("runner.py")]),
        runner("Node", vec![found("node"), script("runner.mjs")]),
    ]
}

/// A program by this process's PATH: a case may have one of its own.
fn found(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.into_iter().find(|place| place.is_file()).unwrap_or_else(|| panic!("{name} is not on the PATH"))
}

fn c_runner() -> PathBuf {
    static MADE: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = MADE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let made = std::env::temp_dir().join(format!("entrakey-runner-{}-{number}", std::process::id()));
    let compiled = Command::new(std::env::var("CC").unwrap_or("cc".into()))
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"])
        .args([root().join("include"), root().join("tests/contract/runner.c"), artifact("libentrakey.so")])
        .arg(format!("-Wl,-rpath,{}", built().display()))
        .arg("-o")
        .arg(&made)
        .status();
    assert!(compiled.unwrap().success(), "the C runner does not compile");
    made
}

/// The text with `${NAME}` replaced by what the emulator's environment, or the case's files, say, and with
/// `${content:NAME}` by what is in the file of that name; `$${` is written for `${` itself.
fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    let escaped = text.replace("$${", "\0");
    let mut parts = escaped.split("${");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or_else(|| panic!("${{ without }} in {text}"));
        let value =
            |name: &str| values.get(name).unwrap_or_else(|| panic!("{text}: nothing is called {name}"));
        match name.strip_prefix("content:") {
            Some(name) => filled.push_str(&std::fs::read_to_string(value(name)).unwrap()),
            None => filled.push_str(value(name)),
        }
        filled.push_str(rest);
    }
    filled.replace('\0', "${")
}

struct Outcome {
    fields: BTreeMap<String, String>,
    everything: String,
}

impl Runner {
    fn run(
        &self,
        case: &Case,
        variables: &BTreeMap<String, String>,
        values: &BTreeMap<String, String>,
    ) -> Outcome {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).env_clear();
        command.envs(std::env::vars().filter(|(name, _)| ["PATH", "NO_PROXY"].contains(&name.as_str())));
        command.env("HOME", &values["folder"]).envs(variables).env("LD_PRELOAD", &self.no_getenv);
        for name in &case.without {
            command.env_remove(name);
        }
        command.envs(case.with.iter().map(|(name, value)| (name, filled(value, values))));
        for (key, value) in &case.config {
            command.args([key, &filled(value, values)]);
        }
        let output = command.output().unwrap_or_else(|error| panic!("{}: {error}", self.language));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let fields = said.lines().filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Outcome { fields, everything: format!("{said}{}", String::from_utf8_lossy(&output.stderr)) }
    }
}

/// Keys are written in another way in Node, and sentences must not depend on it.
fn plain(text: &str) -> String {
    text.replace('_', "").to_lowercase()
}

/// What is wrong with the outcome.
fn faults_of(case: &Case, outcome: &Outcome, values: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |field: &str, expected: Option<String>| {
        let found = outcome.fields.get(field);
        if expected.is_some() && found != expected.as_ref() {
            wrong.push(format!("{field} is {found:?} and not {expected:?}"));
        }
    };
    let Expected { username, error, retriable, aadsts, says } = &case.expect;
    check("username", username.as_ref().map(|name| filled(name, values)));
    check("error", error.clone());
    check("retriable", retriable.map(|yes| yes.to_string()));
    check("aadsts", aadsts.map(|number| number.to_string()));
    let message = plain(outcome.fields.get("message").map_or("", String::as_str));
    let unsaid = says.iter().filter(|text| !message.contains(&plain(&filled(text, values))));
    wrong.extend(unsaid.map(|text| format!("the message does not say {text:?}")));
    let secrets = case.secrets.iter().map(|secret| filled(secret, values));
    let shown = secrets.filter(|secret| outcome.everything.contains(secret.as_str()));
    wrong.extend(shown.map(|secret| format!("{secret:?} is shown")));
    wrong
}

#[test]
fn every_identity_behaves_the_same_in_every_language() {
    let text = std::fs::read_to_string(root().join("tests/vectors/identities.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    let only = std::env::var("ENTRAKEY_CASE").unwrap_or_default();
    let emulator = Emulator::start("1h");
    let (runners, mut wrong) = (runners(), Vec::new());
    assert!(cases.iter().any(|case| case.name.contains(&only)), "no case is called {only}");
    for case in cases.iter().filter(|case| case.name.contains(&only)) {
        assert!(case.expect.username.is_some() != case.expect.error.is_some(), "{}: one of both", case.name);
        let folder = Folder::new("contract");
        let variables = emulator.env(&case.environment);
        let mut values = emulator.environment.clone();
        values.extend(variables.clone());
        values.insert("folder".into(), folder.path().display().to_string());
        for (name, text) in &case.files {
            let path = folder.write(name, &filled(text, &values));
            values.insert(format!("file:{name}"), path.display().to_string());
        }
        for runner in &runners {
            emulator.control("DELETE", "/emulator/faults", None);
            for fault in &case.faults {
                emulator.control("POST", "/emulator/faults", Some(fault));
            }
            let outcome = runner.run(case, &variables, &values);
            for fault in faults_of(case, &outcome, &values) {
                wrong.push(format!("{} in {}: {fault}\n{}", case.name, runner.language, outcome.everything));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A program that is setuid for somebody else believes nothing that whoever starts it says.
#[test]
fn a_setuid_program_reads_no_variable_and_says_so() {
    use std::os::unix::fs::PermissionsExt as _;
    // SAFETY: no memory is involved.
    if unsafe { libc::getuid() } != 0 {
        return println!("only root can make a program setuid for another: nothing was tried");
    }
    let program = c_runner();
    let nobody = Some(65534);
    std::os::unix::fs::chown(&program, nobody, nobody).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o6755)).unwrap();
    let run = |variable: &str, value: &str| {
        let output = Command::new(&program)
            .args(["identity", "service_principal", "tenant_id", "t"])
            .env(variable, value)
            .output();
        let output = output.unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    for (variable, value) in [
        ("AZURE_CLIENT_ID", "theirs"),
        ("ENTRAKEY_CLIENT_ID", "theirs"),
        ("ENTRAKEY_CONFIG_FILE", "/etc/shadow"),
    ] {
        let said = run(variable, value);
        assert!(
            said.contains("error: INVALID_CONFIG") && said.contains("\"client_id\" is missing"),
            "{said}"
        );
        assert!(said.contains("No environment variable is read"), "{said}");
    }
    std::fs::remove_file(program).unwrap();
}
