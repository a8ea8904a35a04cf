//! Who is let in, and what a client sees.

use super::running::{Client, Proxy, command, get, machine, upstream};
use entrakey_tests::{Emulator, Folder, PATIENCE, free_port, wait_until};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;

/// redis-cli with these arguments: what it prints.
fn redis_cli(arguments: &[&str]) -> String {
    let output = Command::new("redis-cli").args(arguments).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
}

#[test]
fn redis_cli_outlives_its_tokens_and_its_dummy_password_is_not_looked_at() {
    let emulator = Emulator::start("3s");
    let mut proxy = Proxy::start(&emulator, &["--port", "0"]);
    let address = proxy.listens_on();
    let port = address.rsplit(':').next().unwrap();
    assert_eq!(redis_cli(&["-p", port, "SET", "key", "value"]), "OK");
    assert_eq!(redis_cli(&["-p", port, "-a", "dummy", "--no-auth-warning", "GET", "key"]), "value");
    let mut client = proxy.client();
    let mut answered = 0;
    wait_until("three tokens more", || {
        answered += 1;
        assert_eq!(client.ask("INCR counter"), format!(":{answered}"));
        emulator.token_requests() >= 4
    });
    for _ in 0..100 {
        answered += 1;
        assert_eq!(client.ask("INCR counter"), format!(":{answered}"));
    }
}

#[test]
fn who_can_use_the_identity_is_said_where_nothing_narrows_that_down() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("reach"));
    let socket = folder.path().join("redis.sock").to_str().unwrap().to_owned();
    let password = folder.write("password", "hunter2-local").to_str().unwrap().to_owned();
    // SAFETY: asks for numbers.
    let (me, group) = unsafe { (libc::getuid().to_string(), libc::getgid()) };
    let by_socket = format!("every user of this machine can use the identity by {socket}: --allow-uid");
    let of_group =
        format!("the members of the group {group} can use the identity by {socket}: --unix-socket-mode 0600");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    for (options, said) in [
        (&["--port", "0"][..], Some("every user of this machine can use the identity by 127.0.0.1:")),
        (&["--port", "0", "--password-file", &password], None),
        (&["--unix-socket", &socket], None),
        (&["--unix-socket", &socket, "--unix-socket-mode", "0666"], Some(&by_socket)),
        (&["--unix-socket", &socket, "--unix-socket-mode", "0660"], Some(&of_group)),
        (&["--unix-socket", &socket, "--unix-socket-mode", "0666", "--allow-uid", &me], None),
        (&["--unix-socket", &socket, "--unix-socket-mode", "0666", "--password-file", &password], None),
        (&["--address", "0.0.0.0", "--port", "0", "--insecure-bind"], Some("everybody who reaches 0.0.0.0:")),
    ] {
        let mut proxy = Proxy::start(&emulator, options);
        proxy.signal(libc::SIGTERM);
        proxy.ended();
        match said {
            Some(part) => assert!(proxy.log().contains(part), "{options:?}: {}", proxy.log()),
            None => assert!(!proxy.log().contains("can use the identity"), "{options:?}: {}", proxy.log()),
        }
    }
    // A folder that others cannot enter keeps them from its socket, whatever the socket's mode.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let mut proxy = Proxy::start(&emulator, &["--unix-socket", &socket, "--unix-socket-mode", "0666"]);
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    assert!(!proxy.log().contains("can use the identity"), "{}", proxy.log());
}

/// The emulator's own identity, with these permissions.
fn permit(emulator: &Emulator, access: &str) {
    let who = emulator.get("ENTRAKEY_EMULATOR_SYSTEM_OBJECT_ID");
    let path = format!("/emulator/redis/policies/{who}");
    emulator.control("PUT", &path, Some(&serde_json::json!({"access": access})));
}

#[test]
fn a_policy_without_ping_is_no_reason_not_to_start() {
    let emulator = Emulator::start("1h");
    permit(&emulator, "+@read +@write ~*");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--run-connection-test"]);
    proxy.wait_for("the connection works: connecting took ");
    assert!(proxy.client().ask("PING").starts_with("-NOPERM"), "that is the point");
    assert_eq!(proxy.client().ask("SET k v"), "+OK");
    let upstream = upstream(&emulator);
    let mut exec = Command::new(entrakey_tests::artifact("entrakey"));
    exec.env_clear().envs(machine(&emulator)).env("ENTRAKEY_IDENTITY", "managed_identity");
    exec.env("PATH", std::env::var("PATH").unwrap_or_default());
    let ended = exec.args(["exec", &upstream, "--", "redis-cli", "GET", "k"]).output().unwrap();
    assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(0), b"v\n".as_slice()), "{ended:?}");
}

#[test]
fn when_a_token_expires_is_a_time_in_the_log() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0"]);
    let line = proxy.wait_for("new token");
    let at = line.split("expires at ").nth(1).unwrap();
    assert!(at.starts_with("20") && at.as_bytes()[10] == b'T' && at.as_bytes()[19] == b'Z', "{line}");
}

#[test]
fn two_upstreams_at_one_cache_are_told_apart() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("twins"));
    let (upstream, http) = (upstream(&emulator), free_port());
    let socket = |name: &str| folder.path().join(name).display().to_string();
    let start = |more: [&str; 2]| {
        let reader = emulator.get("ENTRAKEY_EMULATOR_READER_CLIENT_ID");
        let text = format!(
            "prometheus: true\nhttp-port: {http}\nstructured_logs: true\nentrakey:\n  identity: managed_identity\n\
             upstreams:\n  - host: {upstream}\n    unix-socket: {}\n    entrakey: {{ {} }}\n  - host: {upstream}\n    \
             unix-socket: {}\n    entrakey: {{ client_id: {reader}{} }}\n",
            socket("1.sock"),
            more[0],
            socket("2.sock"),
            more[1],
        );
        let file = folder.write("proxy.yaml", &text);
        let mut proxy = Proxy::run(command(&machine(&emulator), &["--config-file", file.to_str().unwrap()]));
        proxy.wait_for("2.sock");
        let (_, text) = get(http, "/metrics", &format!("Host: 127.0.0.1:{http}\r\n"));
        (proxy, text)
    };
    for (more, names) in [
        (["", ""], [socket("1.sock"), socket("2.sock")]),
        (["name: owner", ", name: reader"], ["owner".to_owned(), "reader".to_owned()]),
        (["name: same", ", name: same"], [socket("1.sock"), socket("2.sock")]),
    ] {
        let (mut proxy, text) = start(more);
        let series: Vec<_> =
            text.lines().filter_map(|line| line.rsplit_once(' ').map(|(series, _)| series)).collect();
        let mut different = series.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), series.len(), "a series is there twice:\n{text}");
        for name in names {
            let label = format!("{{upstream=\"{upstream} ({name})\"}} 0");
            assert!(text.contains(&format!("entrakey_proxy_accepted_total{label}")), "no {label} in\n{text}");
            proxy.wait_for(&format!("\"upstream\":\"{upstream} ({name})\""));
            if more[0].is_empty() {
                let line = proxy.wait_for(&format!("\"provider\":\"{upstream} ({name})\""));
                assert!(line.contains("new token"), "{line}");
            }
        }
    }
}

#[test]
fn a_local_password_is_asked_for_and_shown_nowhere() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("password"));
    let file = folder.write("password", "hunter2-local\n");
    let options = ["--port", "0", "--debug-logs", "--password-file", file.to_str().unwrap()];
    let mut proxy = Proxy::start(&emulator, &options);
    let mut client = proxy.client();
    assert!(client.ask("GET key").starts_with("-NOAUTH"));
    assert!(client.ask("AUTH wrong-one").starts_with("-WRONGPASS"));
    assert_eq!(client.ask("AUTH hunter2-local"), "+OK");
    assert_eq!(client.ask("SET key 1"), "+OK");
    drop(client);
    proxy.signal(libc::SIGTERM);
    proxy.ended();
    for secret in ["hunter2-local", "wrong-one", "eyJ"] {
        assert!(!proxy.log().contains(secret), "{}", proxy.log());
    }
}

#[test]
fn a_secret_on_the_command_line_is_warned_of_and_not_repeated() {
    let emulator = Emulator::start("1h");
    let options = ["--port", "0", "--debug-logs", "--password", "hunter2-typed"];
    let mut proxy = Proxy::start(&emulator, &options);
    proxy.wait_for("can read --password in the list of processes");
    assert_eq!(proxy.client().ask("AUTH hunter2-typed"), "+OK");
    assert!(!proxy.log().contains("hunter2"), "{}", proxy.log());
}

#[test]
fn a_password_file_that_everybody_may_read_is_warned_of() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("readable"));
    let file = folder.write("password", "hunter2-local\n");
    for (mode, is_warned) in [(0o644, true), (0o640, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let proxy = Proxy::start(&emulator, &["--port", "0", "--password-file", file.to_str().unwrap()]);
        let advice = format!("chmod 600 {}", file.display());
        assert_eq!(proxy.log().contains(&advice), is_warned, "{}", proxy.log());
    }
}

#[test]
fn beyond_the_most_connections_a_client_hears_what_redis_says() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--max-connections", "1"]);
    let mut first = proxy.client();
    assert_eq!(first.ask("PING"), "+PONG");
    assert_eq!(proxy.client().hear(), "-ERR max number of clients reached");
    proxy.wait_for("all 1 connections are in use");
    drop(first);
    wait_until("room", || proxy.client().ask("PING") == "+PONG");
}

#[test]
fn with_tls_and_a_password_it_listens_for_other_machines() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("tls"));
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate =
        rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let path = |name: &str, text: &str| folder.write(name, text).to_str().unwrap().to_owned();
    let (shown, key) = (path("cert.pem", &certificate.pem()), path("key.pem", &key.serialize_pem()));
    let password = path("password", "local");
    let mut proxy = Proxy::start(
        &emulator,
        &[
            "--address",
            "0.0.0.0",
            "--port",
            "0",
            "--tls-certificate",
            &shown,
            "--tls-key",
            &key,
            "--password-file",
            &password,
        ],
    );
    let address = proxy.listens_on();
    let port = address.strip_prefix("0.0.0.0:").expect("all addresses");
    let cli = [
        "-h",
        "localhost",
        "-p",
        port,
        "--tls",
        "--cacert",
        &shown,
        "-a",
        "local",
        "--no-auth-warning",
        "PING",
    ];
    assert_eq!(redis_cli(&cli), "PONG");
    let mut plain = Client::new(TcpStream::connect(("127.0.0.1", port.parse().unwrap())).unwrap());
    assert!(!plain.ask("PING").contains("PONG"));
    proxy.wait_for("the client made no TLS connection");
}

#[test]
fn a_connection_test_says_that_the_whole_way_works_before_clients_are_taken() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--run-connection-test"]);
    let works = proxy.said.iter().position(|line| line.contains("the connection works")).unwrap();
    let listens = proxy.said.iter().position(|line| line.contains("listening on")).unwrap();
    assert!(works < listens, "{}", proxy.log());
    assert_eq!(proxy.client().ask("PING"), "+PONG");
}

#[test]
fn several_upstreams_have_an_identity_each() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("several"));
    let upstream = upstream(&emulator);
    let text = format!(
        "structured_logs: true\nhealth-check: true\nhttp-port: 0\nentrakey:\n  identity: managed_identity\n  name: shared\n\
         upstreams:\n  - host: {upstream}\n    port: 0\n  - host: {upstream}\n    unix-socket: {}\n    entrakey:\n      \
         client_id: ${{ENTRAKEY_EMULATOR_READER_CLIENT_ID}}\n      name: reader\n",
        folder.path().join("two.sock").display()
    );
    let file = folder.write("proxy.yaml", &text);
    let mut proxy = Proxy::run(command(&machine(&emulator), &["--config-file", file.to_str().unwrap()]));
    proxy.wait_for("two.sock");
    assert_eq!(proxy.client().ask("SET key 1"), "+OK");
    let socket = UnixStream::connect(folder.path().join("two.sock")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let said = Client::over(socket).ask("SET key 2");
    assert!(said.starts_with("-NOPERM"), "the reader may not write: {said}");
}

#[test]
fn a_flag_whose_name_says_what_it_does_listens_for_everybody() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--address", "0.0.0.0", "--port", "0", "--insecure-bind"]);
    proxy.wait_for("everybody who reaches 0.0.0.0:");
    let address = proxy.listens_on();
    let mut client = Client::new(TcpStream::connect(address.replace("0.0.0.0", "127.0.0.2")).unwrap());
    assert_eq!(client.ask("PING"), "+PONG");
}

#[test]
fn a_port_and_a_socket_can_be_had_together() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("both"));
    let path = folder.path().join("redis.sock");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--unix-socket", path.to_str().unwrap()]);
    let line = proxy.wait_for("listening on 127.0.0.1:");
    assert!(line.contains("listening on 127.0.0.1:"));
    assert_eq!(Client::over(UnixStream::connect(&path).unwrap()).ask("PING"), "+PONG");
}
