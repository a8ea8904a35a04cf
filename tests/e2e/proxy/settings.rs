//! An option, else its variable, else the file.

use super::running::{Client, Proxy, command, machine, upstream};
use entrakey_tests::{Emulator, Folder, artifact, wait_until};
use std::os::unix::net::UnixStream;
use std::process::Command;

#[test]
fn what_is_typed_wins_over_a_variable_and_that_over_the_file() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("settings"));
    let upstream = upstream(&emulator);
    let socket = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let text = format!(
        "host = '{upstream}'\nunix-socket = '{}'\nstructured-logs = true\n[entrakey]\nidentity = 'managed_identity'\n",
        socket("file.sock")
    );
    let file = folder.write("proxy.toml", &text).to_str().unwrap().to_owned();
    let listens_on = |variable: Option<&str>, typed: &[&str]| {
        let mut variables = machine(&emulator);
        variables.insert("ENTRAKEY_PROXY_CONFIG_FILE".to_owned(), file.clone());
        variables.insert("ENTRAKEY_PROXY_UNIX_SOCKET".to_owned(), variable.unwrap_or_default().to_owned());
        Proxy::run(command(&variables, typed)).listens_on()
    };
    let (of_variable, typed) = (socket("variable.sock"), socket("typed.sock"));
    assert_eq!(listens_on(None, &[]), socket("file.sock"), "an empty variable is none");
    assert_eq!(listens_on(Some(&of_variable), &[]), of_variable);
    assert_eq!(listens_on(Some(&of_variable), &["--unix-socket", &typed]), typed);
}

#[test]
fn a_switch_can_be_a_variable_or_a_line_of_the_file() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("switch"));
    let upstream = upstream(&emulator);
    let code = |variable: &str, line: &str| {
        let text = format!(
            "host: {upstream}\nport: 0\nallow-uid: [0, 1]\npassword: local\n{line}\nentrakey:\n  identity: managed_identity\n"
        );
        let file = folder.write("proxy.yaml", &text);
        let mut variables = machine(&emulator);
        variables.insert("ENTRAKEY_PROXY_EXIT_ZERO_ON_SIGTERM".to_owned(), variable.to_owned());
        let mut proxy = Proxy::run(command(&variables, &["--config-file", file.to_str().unwrap()]));
        proxy.wait_for("listening on");
        proxy.signal(libc::SIGTERM);
        proxy.ended()
    };
    assert_eq!(code("yes", ""), 0);
    assert_eq!(code("", "exit-zero-on-sigterm: true"), 0);
    assert_eq!(code("0", "exit-zero-on-sigterm: true"), 143, "a variable wins");
    assert_eq!(code("", ""), 143);
}

#[test]
fn quiet_says_what_is_wrong_and_nothing_else() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("quiet"));
    let path = folder.path().join("redis.sock");
    let target = "localhost:1"; // nobody is there
    let given =
        [target, "--identity", "managed_identity", "--unix-socket", path.to_str().unwrap(), "--quiet"];
    let mut proxy = Proxy::run(command(&machine(&emulator), &given));
    wait_until("it listens", || path.exists());
    let mut client = Client::over(UnixStream::connect(&path).unwrap());
    assert!(client.ask("PING").starts_with("-ERR"));
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    assert!(!proxy.said.is_empty(), "it says what is wrong");
    for line in &proxy.said {
        assert_eq!(line.split_whitespace().nth(1), Some("WARNING"), "{line}");
    }
}

#[test]
fn of_options_that_exclude_each_other_the_typed_one_counts_and_not_the_files() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("excluded"));
    let file =
        folder.write("proxy.toml", "host = 'localhost:1'\nport = 0\nquiet = true\ndebug-logs = false\n");
    let given = ["--config-file", file.to_str().unwrap(), "--identity", "managed_identity", "--debug-logs"];
    Proxy::run(command(&machine(&emulator), &given)).wait_for("listening on");
}

/// The sentence that a file ends with.
fn refusal(name: &str, text: &str, more: &[&str]) -> String {
    let folder = Folder::new("refusal");
    let file = folder.write(name, text);
    let mut command = Command::new(artifact("entrakey"));
    command.env_clear().args(["proxy", "--config-file", file.to_str().unwrap()]).args(more);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{text}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(file.to_str().unwrap()), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    said
}

#[test]
fn what_is_wrong_in_the_file_is_said_with_what_is_right() {
    let two = "[[upstreams]]\nhost = 'a:1'\n[[upstreams]]\nhost = 'b:2'\n";
    for (text, more, parts) in [
        ("http-prot = 1", &[][..], &["\"http-prot\" is no setting", "did you mean \"http-port\"?"][..]),
        ("client_id = 'hunter2'", &[], &["client_id is a setting of the identity", "under \"entrakey\""]),
        ("http-port = 'hunter2'", &[], &["http-port: a port is a number from 0 to 65535."]),
        ("quiet = 'hunter2'", &[], &["quiet: true or false is needed."]),
        ("port = 'hunter2'", &["a:1"], &["port: a port is a number from 0 to 65535."]),
        ("unix-socket = ''", &["a:1"], &["unix-socket is empty: give it a value"]),
        ("allow-uid = ['root']", &["a:1"], &["allow-uid: a user is given by number: `id -u NAME` says it."]),
        ("connect-timeout = 'hunter2'", &["a:1"], &["connect-timeout: a time is needed: 500ms, 8s"]),
        ("warm = -1", &["a:1"], &["warm: a number from 0 on is needed."]),
        ("max-connections = 0", &["a:1"], &["max-connections: a number from 1 on is needed."]),
        ("host = { a = 1 }", &[], &["host is a table"]),
        ("port = [7, 8]", &["a:1"], &["port is a list: give it one value"]),
        ("config-file = '/x'", &["a:1"], &["cannot be given in the file itself"]),
        ("[[upstreams]]\nhost = 'a:1'\nquiet = true", &[], &["quiet holds for the whole process"]),
        ("upstreams = 1", &[], &["\"upstreams\" must be a list of tables"]),
        ("password = 'hunter2'\npassword-file = '/x'", &["a:1"], &["password or password-file, not both"]),
        ("quiet = true\ndebug-logs = true", &["a:1"], &["quiet or debug-logs, not both"]),
        (two, &["c:3"], &["it has upstreams, each with its own host", "ENTRAKEY_PROXY_HOST"]),
        (two, &["--port", "7"], &["each with its own port"]),
        ("port = 1\n[[upstreams]]\nhost = 'a:1'", &[], &["each with its own port", "at the top of the file"]),
        ("[[upstreams]]\nhost = 'a:1'\n[[upstreams]]\nport = 7", &[], &["upstream 2: give its host"]),
        ("[[upstreams]]\nhost = 'rediss://:hunter2@a:1'", &[], &["upstream 1: host: ", "no URL"]),
        (
            "[[upstreams]]\nhost = 'a:1'\nentrakey = { clientid = 'hunter2' }",
            &[],
            &["\"clientid\": did you mean \"client_id\"?"],
        ),
        (
            "[entrakey]\nclientid = 'hunter2'\n[[upstreams]]\nhost = 'a:1'",
            &[],
            &["clientid", "\"client_id\""],
        ),
    ] {
        let said = refusal("proxy.toml", text, more);
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
}

#[test]
fn a_certificate_without_its_key_does_not_become_plain_text() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("half"));
    let text = "host = 'a:1'\naddress = '0.0.0.0'\nport = 0\npassword = 'x'\ntls-certificate = '/x.pem'\n";
    let file = folder.write("proxy.toml", &format!("{text}[entrakey]\nidentity = 'managed_identity'\n"));
    let mut proxy = Proxy::run(command(&machine(&emulator), &["--config-file", file.to_str().unwrap()]));
    assert_eq!(proxy.ended(), 2);
    proxy.wait_for("tls-certificate and tls-key");
}

#[test]
fn what_kubernetes_says_of_a_service_of_that_name_is_not_meant() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("service-links"));
    let mut variables = machine(&emulator);
    variables.insert("ENTRAKEY_PROXY_PORT".to_owned(), "tcp://10.0.0.1:6379".to_owned());
    let path = folder.path().join("redis.sock").to_str().unwrap().to_owned();
    let given =
        [&upstream(&emulator), "--identity", "managed_identity", "--structured-logs", "--unix-socket", &path];
    let mut proxy = Proxy::run(command(&variables, &given));
    assert_eq!(proxy.listens_on(), path);
    assert!(!proxy.log().contains("read by nobody"), "{}", proxy.log());
}

#[test]
fn a_variable_that_nobody_reads_is_told() {
    let emulator = Emulator::start("1h");
    let mut variables = machine(&emulator);
    variables.insert("ENTRAKEY_PROXY_MAX_CONECTIONS".to_owned(), "5".to_owned());
    variables.insert("ENTRAKEY_CLINET_ID".to_owned(), "11111111-0000-4000-8000-000000000001".to_owned());
    let given = [&upstream(&emulator), "--identity", "managed_identity", "--port", "0"];
    let mut proxy = Proxy::run(command(&variables, &given));
    proxy.wait_for("ENTRAKEY_CLINET_ID is read by nobody: did you mean ENTRAKEY_CLIENT_ID?");
    proxy.wait_for("did you mean ENTRAKEY_PROXY_MAX_CONNECTIONS?");
}

#[test]
fn more_clients_than_the_limit_of_open_files_permits_are_not_promised_without_a_word() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("files"));
    let path = folder.path().join("redis.sock").to_str().unwrap().to_owned();
    let upstream = upstream(&emulator);
    let said = |most: &str| {
        let mut command = Command::new("sh");
        command.env_clear().envs(machine(&emulator)).args(["-c", "ulimit -n 1024 && exec \"$@\"", "sh"]);
        command.arg(artifact("entrakey")).args(["proxy", &upstream, "--identity", "managed_identity"]);
        command.args(["--unix-socket", &path, "--max-connections", most, "--warm", "4"]);
        let mut proxy = Proxy::run(command);
        proxy.wait_for("listening on");
        proxy.log()
    };
    let log = said("5000");
    for part in [
        "--max-connections 5000",
        "15204 open files",
        "this process may have 1024",
        "273 clients",
        "LimitNOFILE=",
    ] {
        assert!(log.contains(part), "no {part} in {log}");
    }
    assert!(!said("273").contains("open files"));
    assert!(said("274").contains("open files"));
}

#[test]
fn connections_kept_ready_that_would_leave_no_room_for_a_client_are_refused() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("warm-files"));
    let upstream = upstream(&emulator);
    let started = |name: &str, files: &str, warm: &str, more: &[&str]| {
        let path = folder.path().join(name).to_str().unwrap().to_owned();
        let mut command = Command::new("sh");
        let limited = format!("ulimit -n {files} && exec \"$@\"");
        command.env_clear().envs(machine(&emulator)).args(["-c", &limited, "sh"]);
        command.arg(artifact("entrakey")).args(["proxy", &upstream, "--identity", "managed_identity"]);
        Proxy::run({
            command.args(["--unix-socket", &path, "--warm", warm]).args(more);
            command
        })
    };
    for (files, warm, more) in
        [("120", "300", &[][..]), ("1024", "823", &[]), ("1024", "100000", &["--max-connections", "9"])]
    {
        let mut refused = started("refused.sock", files, warm, more);
        assert_eq!(refused.ended(), 2, "{warm}");
        for part in [
            format!("--warm keeps {warm} connections"),
            format!("may have {files}"),
            "LimitNOFILE=".to_owned(),
        ] {
            assert!(refused.log().contains(&part), "no {part} in {}", refused.log());
        }
    }
    started("room.sock", "1024", "5", &[]).wait_for("listening on");
}

#[test]
fn a_wrong_variable_is_named() {
    let mut command = Command::new(artifact("entrakey"));
    command.env_clear().env("ENTRAKEY_PROXY_HTTP_PORT", "many").args(["proxy", "localhost:1"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--http-port") && said.contains("ENTRAKEY_PROXY_HTTP_PORT."), "{said}");
}
