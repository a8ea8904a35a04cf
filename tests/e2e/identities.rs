//! The contract cases of `tests/vectors/identities.json`, in every language, against the emulator. The format
//! is described in `tests/README.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on should panic"
)]

use entrakey_core::{KEYS, VARIABLES};
use entrakey_tests::c_programs::no_getenv;
use entrakey_tests::{Emulator, Folder, artifact, built, root};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
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

fn runners(folder: &Folder) -> Vec<Runner> {
    let script = |name: &str| root().join("tests/contract").join(name);
    let no_getenv = no_getenv();
    let runner = |language, command| Runner { language, command, no_getenv: no_getenv.clone() };
    vec![
        runner("Rust", vec![built().join("examples/contract")]),
        runner("C", vec![c_runner(folder, &built())]),
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

/// Made in that folder, to load the library from `library`.
fn c_runner(folder: &Folder, library: &Path) -> PathBuf {
    let made = folder.path().join("runner");
    let compiled = Command::new(std::env::var("CC").unwrap_or("cc".into()))
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I"])
        .args([root().join("include"), root().join("tests/contract/runner.c"), artifact("libentrakey.so")])
        .arg(format!("-Wl,-rpath,{}", library.display()))
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
    let programs = Folder::new("runners");
    let (runners, mut wrong) = (runners(&programs), Vec::new());
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

/// A program with privileges that whoever starts it lacks believes nothing that the variables say: not one of them.
#[test]
fn a_setuid_program_reads_no_variable_and_says_so() {
    let Some(folder) = program_of_root() else { return };
    let program = folder.path().join("runner");
    std::os::unix::fs::chown(&program, Some(NOBODY), Some(NOBODY)).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o6755)).unwrap();
    believes_no_variable(&|| Command::new(&program));
}

/// As a server that may listen on port 443 (`setcap cap_net_bind_service=ep`).
#[test]
fn a_program_whose_file_has_capabilities_reads_no_variable_and_says_so() {
    let Some(folder) = program_of_root() else { return };
    let program = folder.path().join("runner");
    give_capability(&program);
    believes_no_variable(&|| {
        let mut command = Command::new(&program);
        command.uid(NOBODY).gid(NOBODY); // root has them all, and gains nothing by the file
        command
    });
}

const NOBODY: u32 = 65534;

/// A folder with the C runner, which everybody may run. None where this process cannot give a program privileges: it is not root, or only in a user namespace of its own,
/// which scripts/offline.sh makes for others, and where nobody but root exists.
fn program_of_root() -> Option<Folder> {
    let users = std::fs::read_to_string("/proc/self/uid_map").unwrap();
    let has = |line: &str| -> Option<bool> {
        let mut numbers = line.split_ascii_whitespace().map(|number| number.parse::<u32>().ok());
        let (first, _, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some((first..first.saturating_add(count)).contains(&NOBODY))
    };
    // SAFETY: no memory is involved.
    if unsafe { libc::getuid() } != 0 || !users.lines().any(|line| has(line) == Some(true)) {
        println!("only root can give a program privileges: nothing was tried");
        return None;
    }
    let folder = Folder::new("privileged");
    // What is built may be in a folder that is its owner's alone.
    let library = folder.path().join("libentrakey.so.1");
    std::fs::copy(artifact("libentrakey.so"), &library).unwrap();
    for made in [folder.path(), &library, &c_runner(&folder, folder.path())] {
        std::fs::set_permissions(made, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    Some(folder)
}

/// What setcap(8) writes: revision 2 with the effective bit, and capability 10 in the permitted set (capabilities(7)).
fn give_capability(program: &Path) {
    let words = [0x0200_0001_u32, 1 << 10, 0, 0, 0];
    let value: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    let path = CString::new(program.as_os_str().as_bytes()).unwrap();
    let name = c"security.capability";
    // SAFETY: both names end with a NUL, and the value is as long as is said; all of them outlive the call.
    let done = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), value.as_ptr().cast(), value.len(), 0) };
    assert_eq!(done, 0, "{}", std::io::Error::last_os_error());
}

/// Every variable that this library knows.
fn variables() -> Vec<String> {
    let of_keys = KEYS.iter().flat_map(|key| [key.variable(), key.azure_variable.to_owned()]);
    of_keys
        .chain(VARIABLES.iter().map(|variable| variable.name.to_owned()))
        .filter(|name| !name.is_empty())
        .collect()
}

const PRINCIPAL: &str = "identity service_principal tenant_id t client_id c";
const TASK: &str = "identity azure_pipelines tenant_id t client_id c";

/// Configurations that fail before anybody is asked, with what is said then. If some variable were read, each would fail for
/// something else, say more, or be taken.
const FAILING: &[(&str, &str)] = &[
    ("identity service_principal tenant_id t", "\"client_id\" is missing"),
    (PRINCIPAL, "\"client_secret\" is missing"),
    ("{PRINCIPAL} certificate_path /nowhere.pem", "/nowhere.pem cannot be read"),
    ("identity managed_identity client_id a object_id b", "set one of them only"),
    ("identity workload_identity", "\"tenant_id\" is missing"),
    ("identity workload_identity tenant_id t client_id c", "\"federated_token_file\" is missing"),
    ("identity client_assertion tenant_id t client_id c", "\"client_assertion_path\" is missing"),
    ("identity azure_pipelines", "\"tenant_id\" is missing"),
    ("identity azure_pipelines tenant_id t", "\"client_id\" is missing"),
    (TASK, "\"oidc_request_uri\" is missing"),
    ("{TASK} oidc_request_uri https://127.0.0.1:1", "\"service_connection_id\" is missing"),
    (
        "{TASK} oidc_request_uri https://127.0.0.1:1 service_connection_id s",
        "\"system_access_token\" is missing",
    ),
    // All that holds for every identity is looked at before it is asked.
    ("token_callback opaque", "USERNAME_UNAVAILABLE"),
];

/// What such a program says is the same whatever is set.
fn believes_no_variable(program: &dyn Fn() -> Command) {
    let (value, names) = ("socks5://\u{201c}theirs\u{201d}", variables());
    for (configuration, says) in FAILING {
        let configuration = configuration.replace("{PRINCIPAL}", PRINCIPAL).replace("{TASK}", TASK);
        let said = |set: &[&String]| {
            let mut command = program();
            command.args(configuration.split(' ')).env_clear();
            let output = command.envs(set.iter().map(|name| (name.as_str(), value))).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            // The moment of the next attempt is drawn.
            said.lines().filter_map(|line| line.split(" (next attempt").next()).collect::<Vec<_>>().join("\n")
        };
        let expected = said(&[]);
        assert!(expected.contains(says), "{configuration}: {expected}");
        let is_missing = says.contains("missing");
        assert_eq!(
            expected.contains("No environment variable is read"),
            is_missing,
            "{configuration}: {expected}"
        );
        for name in &names {
            assert_eq!(said(&[name]), expected, "{configuration}, {name}");
        }
        assert_eq!(said(&names.iter().collect::<Vec<_>>()), expected, "{configuration}, all of them");
    }
}
