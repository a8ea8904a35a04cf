//! One sentence each that says what to do; an end where nothing can work, another attempt where it may heal.

use super::running::{Proxy, command, machine, upstream};
use entrakey_tests::{Emulator, Folder, free_port, wait_until};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// A proxy that cannot work: its exit code, and the last thing that it says.
fn failure(emulator: &Emulator, options: &[&str]) -> (i32, String) {
    let mut proxy = Proxy::run(command(&machine(emulator), options));
    let code = proxy.ended();
    let last =
        proxy.said.iter().rev().find(|line| !line.is_empty() && !line.starts_with("For more information"));
    (code, last.cloned().unwrap_or_default())
}

fn tested<'a>(host: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&[host, "--identity", "managed_identity", "--port", "0", "--run-connection-test"], more].concat()
}

/// Everything that comes in at an address of this machine goes to a port of 127.0.0.1.
fn relay(address: &str, port: u16) -> u16 {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let own = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            for (mut from, mut to) in
                [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
            {
                std::thread::spawn(move || copy(&mut from, &mut to));
            }
        }
    });
    own
}

fn copy(from: &mut TcpStream, to: &mut TcpStream) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write); // it may be gone already
}

#[test]
fn a_connection_that_cannot_work_ends_it_with_the_cause() {
    let emulator = Emulator::start("1h");
    let redis: u16 = emulator.get("REDIS_PORT").parse().unwrap();
    let nobody = format!("127.0.0.1:{}", free_port());
    let plaintext = emulator.get("ENTRAKEY_EMULATOR_URL").trim_start_matches("http://").to_owned();
    let elsewhere = format!("127.0.0.2:{}", relay("127.0.0.2", redis));
    let without_policy = emulator.get("ENTRAKEY_EMULATOR_WITHOUT_POLICY_CLIENT_ID");
    let upstream = upstream(&emulator);
    for (options, code, parts) in [
        (tested("cache.invalid:10000", &[]), 5, &["cache.invalid"][..]),
        (tested(&nobody, &[]), 5, &["refused"]),
        (tested(&plaintext, &[]), 5, &["TLS"]),
        (tested(&elsewhere, &[]), 5, &["certificate", "127.0.0.2"]),
        (
            tested(&upstream, &["--client-id", without_policy]),
            4,
            &["access policy", "55555555-0000-4000-8000-000000000005"],
        ),
    ] {
        let (ended, said) = failure(&emulator, &options);
        assert_eq!(ended, code, "{options:?}: {said}");
        assert!(parts.iter().all(|part| said.contains(part)), "{options:?}: {said}");
        assert!(said.contains("ERROR") && said.contains("the connection test failed: "), "{said}");
    }
}

/// Servers that took the token, or said nothing of it.
#[test]
fn a_server_that_takes_nobody_now_is_no_refusal() {
    let emulator = Emulator::start("1h");
    let upstream = upstream(&emulator);
    for (on, error) in [
        ("auth", "LOADING Redis is loading the dataset in memory"),
        ("auth", "ERR max number of clients reached"),
        ("command", "LOADING Redis is loading the dataset in memory"),
    ] {
        emulator.control("POST", "/emulator/redis/faults", Some(&json!([{"on": on, "error": error}])));
        let (ended, said) = failure(&emulator, &tested(&upstream, &[]));
        assert_eq!(ended, 5, "{on}: {said}");
        assert!(said.contains(error) && said.contains("the connection test failed: "), "{said}");
    }
    for (on, asked) in [("auth", "AUTH"), ("command", "PING"), ("connect", "TLS")] {
        emulator.control("POST", "/emulator/redis/faults", Some(&json!([{"on": on, "close": true}])));
        let (ended, said) = failure(&emulator, &tested(&upstream, &[]));
        assert_eq!(ended, 5, "{on}: {said}");
        assert!(said.contains(&format!("instead of answering {asked}")), "{said}");
        assert!(said.contains(&format!("`entrakey doctor {upstream}` looks for the cause.")), "{said}");
    }
}

#[test]
fn an_identity_that_is_not_here_ends_the_test_with_3() {
    let (emulator, nothing) = (Emulator::start("1h"), Folder::new("no-tools"));
    let options = [&upstream(&emulator), "--identity", "azure_cli", "--port", "0", "--run-connection-test"];
    let mut command = command(&machine(&emulator), &options);
    command.env("PATH", nothing.path());
    let mut proxy = Proxy::run(command);
    assert_eq!(proxy.ended(), 3);
    let line = proxy.wait_for("the connection test failed: ");
    assert!(line.contains("it was not found on PATH") && line.contains("az login"), "{line}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let emulator = Emulator::start("1h");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let upstream = upstream(&emulator);
    let common = [upstream.as_str(), "--identity", "managed_identity"];
    for (options, remedy) in [
        (&["--port", port.as_str()][..], "--address or --port"),
        (&["--port", "0", "--health-check", "--http-port", &port], "--http-port"),
        (&["--port", "0", "--prometheus", "--http-port", &port], "--http-port"),
        (&["--port", "0", "--quitquitquit", "--admin-port", &port], "--admin-port"),
    ] {
        let (code, said) = failure(&emulator, &[&common, options].concat());
        assert_eq!(code, 1, "{said}");
        let parts = [
            format!("port {port} of 127.0.0.1 is in use by another process"),
            format!("choose another one with {remedy}"),
        ];
        assert!(parts.iter().all(|part| said.contains(part)), "{said}");
    }
}

#[test]
fn an_empty_variable_that_should_keep_others_out_lets_nobody_in() {
    let emulator = Emulator::start("1h");
    for name in ["ENTRAKEY_PROXY_PASSWORD", "ENTRAKEY_PROXY_PASSWORD_FILE", "ENTRAKEY_PROXY_ALLOW_UID"] {
        let mut variables = machine(&emulator);
        variables.insert(name.to_owned(), String::new());
        let mut proxy = Proxy::run(command(&variables, &["localhost:1", "--port", "0"]));
        assert_eq!(proxy.ended(), 2, "{name}: {}", proxy.log());
    }
}

#[test]
fn what_makes_no_sense_ends_with_2_and_repeats_no_secret() {
    let emulator = Emulator::start("1h");
    for (options, part) in [
        (&[][..], "Which Redis?"),
        (&["cache.example.com"], "10000 is Azure Managed Redis's"),
        (&["rediss://me:hunter2@cache.example.com:6380"], "no URL"),
        (&["localhost:1", "--address", "0.0.0.0"], "--insecure-bind"),
        (&["localhost:1", "--address", "0.0.0.0", "--password", "hunter2"], "--tls-certificate"),
        (&["localhost:1", "--password", ""], "The password for clients is empty"),
        (&["localhost:1", "--address", "nowhere.invalid"], "is no address of this machine"),
        (&["localhost:1", "--allow-uid", "33"], "open to every user of this machine"),
        (
            &["localhost:1", "--unix-socket", "/tmp/never", "--port", "0", "--allow-uid", "33"],
            "add --password-file",
        ),
        (&["localhost:1", "--connect-timeout", "18446744073709551615"], "longer than a year"),
        (
            &["localhost:1", "--connect-timeout", "soon"],
            "a time is needed: 500ms, 8s, 5m, 1h, or a number of seconds",
        ),
        (&["localhost:1", "--connect-timeout", "0"], "it must be more than 0"),
        (&["localhost:1", "--port", "redis"], "a port is a number from 0 to 65535"),
        (&["localhost:1", "--port", "65536"], "a port is a number from 0 to 65535"),
        (&["localhost:1", "--allow-uid", "root"], "`id -u NAME` says it"),
        (&["localhost:1", "--warm", "some"], "a number from 0 on is needed"),
        (&["localhost:1", "--max-connections", "0"], "a number from 1 on is needed"),
        (&["wait", "--max", "long"], "a time is needed: 500ms"),
        (&["wait", "--http-port", "x"], "a port is a number from 0 to 65535"),
        (&["shutdown", "--admin-port", "x"], "a port is a number from 0 to 65535"),
        (&["localhost:1", "--password-file", "/nowhere/at/all"], "/nowhere/at/all cannot be read"),
        (&["localhost:1", "--tls-certificate", "/nowhere/a", "--tls-key", "/nowhere/b"], "/nowhere/a"),
        (&["localhost:1", "--identity", "service_principal", "--client-secret", "hunter2"], "tenant_id"),
        (&["localhost:1", "--ca-file", "/nowhere/at/all"], "/nowhere/at/all"),
        (&["localhost:1", "--config-file", "/nowhere/at/all.toml"], "cannot be read"),
    ] {
        let (code, said) = failure(&emulator, options);
        assert_eq!(code, 2, "{options:?}: {said}");
        assert!(said.contains(part) && !said.contains("hunter2"), "{options:?}: {said}");
    }
    let mut proxy = Proxy::run(command(&machine(&emulator), &["localhost:1", "--prot", "1"]));
    assert_eq!(proxy.ended(), 2);
    assert!(
        proxy.log().contains("unexpected argument '--prot'") && proxy.log().contains("'--port'"),
        "{}",
        proxy.log()
    );
}

#[test]
fn two_upstreams_on_one_port_are_told_apart_from_another_process() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("twice"));
    let text = "[entrakey]\nidentity = 'managed_identity'\n[[upstreams]]\nhost = 'a:1'\n[[upstreams]]\nhost = 'b:1'\n";
    let file = folder.write("proxy.toml", text);
    let port = free_port();
    let text = text
        .replace("'a:1'", &format!("'a:1'\nport = {port}"))
        .replace("'b:1'", &format!("'b:1'\nport = {port}"));
    std::fs::write(&file, text).unwrap();
    let (code, said) = failure(&emulator, &["--config-file", file.to_str().unwrap()]);
    assert_eq!(code, 2);
    assert!(said.contains(&format!("Two upstreams would listen on 127.0.0.1:{port}")), "{said}");
}

#[test]
fn a_server_that_says_nothing_is_given_up_after_the_connect_timeout() {
    let emulator = Emulator::start("1h");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let given = [
        &target,
        "--identity",
        "managed_identity",
        "--port",
        "0",
        "--structured-logs",
        "--connect-timeout",
        "200ms",
    ];
    let mut proxy = Proxy::run(command(&machine(&emulator), &given));
    proxy.wait_for("new token");
    let said = proxy.client().ask("PING");
    assert!(said.starts_with("-ERR entrakey proxy: ") && said.contains(&target), "{said}");
    proxy.wait_for("\"WARNING\"");
}

#[test]
fn a_server_that_comes_back_is_found_again_and_its_absence_is_said_once() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--connect-timeout", "5s", "--debug-logs"]);
    assert_eq!(proxy.client().ask("PING"), "+PONG");
    proxy.wait_for("The client has closed the connection."); // later it would end a trouble that has begun meanwhile
    emulator.control("POST", "/emulator/redis/stop", None);
    let attempts = 5;
    for _ in 0..attempts {
        let said = proxy.client().ask("PING");
        assert!(said.starts_with('-') || said.is_empty(), "{said}");
    }
    emulator.control("POST", "/emulator/redis/start", None);
    wait_until("it is back", || proxy.client().ask("PING") == "+PONG");
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    let warnings =
        proxy.said.iter().filter(|line| line.contains("\"WARNING\"") && line.contains("\"client\":"));
    assert_eq!(warnings.count(), 1, "{}", proxy.log());
}

#[test]
fn a_client_that_only_looks_whether_the_port_is_open_does_not_make_an_old_trouble_new() {
    let emulator = Emulator::start("1h");
    let nobody = format!("127.0.0.1:{}", free_port());
    let options = [
        nobody.as_str(),
        "--identity",
        "managed_identity",
        "--port",
        "0",
        "--debug-logs",
        "--structured-logs",
    ];
    let mut proxy = Proxy::run(command(&machine(&emulator), &options));
    assert!(proxy.client().ask("PING").starts_with("-ERR"));
    drop(proxy.client());
    proxy.wait_for("The client has closed the connection.");
    assert!(proxy.client().ask("PING").starts_with("-ERR"));
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    let warnings =
        proxy.said.iter().filter(|line| line.contains("no TCP connection") && line.contains("\"WARNING\""));
    assert_eq!(warnings.count(), 1, "{}", proxy.log());
}

#[test]
fn what_clients_make_up_does_not_fill_the_log() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0"]);
    for letter in ('A'..='Z').chain('a'..='z') {
        let answer = proxy.client().ask(&format!("*1\r\n{letter}"));
        assert_eq!(answer, format!("-ERR Protocol error: expected '$', got '{letter}'"));
    }
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    let said = proxy.said.iter().filter(|line| line.contains("what is no request of a Redis"));
    assert_eq!(said.count(), 32, "{}", proxy.log());
}
