//! How it ends: signals, delays, requests, and what systemd is told.

use super::running::{Proxy, command, get, machine, upstream};
use entrakey_tests::{Emulator, Folder, PATIENCE, artifact, free_port, wait_until};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

#[test]
fn it_ends_with_the_signals_number_as_shells_have_it() {
    let emulator = Emulator::start("1h");
    for (signal, options, code) in [
        (libc::SIGTERM, &["--port", "0"][..], 143),
        (libc::SIGINT, &["--port", "0"], 130),
        (libc::SIGTERM, &["--port", "0", "--exit-zero-on-sigterm"], 0),
        (libc::SIGINT, &["--port", "0", "--exit-zero-on-sigterm"], 130),
    ] {
        let mut proxy = Proxy::start(&emulator, options);
        let mut client = proxy.client();
        assert_eq!(client.ask("PING"), "+PONG");
        proxy.signal(signal);
        assert_eq!(proxy.ended(), code, "{options:?}");
        assert_eq!(client.hear(), "", "the connection has ended");
        proxy.wait_for("1 connection of a client is cut off");
    }
}

#[test]
fn after_sigterm_clients_are_taken_for_a_while_and_then_may_finish() {
    let (emulator, port) = (Emulator::start("1h"), free_port().to_string());
    let delays = ["--min-sigterm-delay", "2s", "--max-sigterm-delay", "1h"];
    let mut proxy = Proxy::start(
        &emulator,
        &[&["--port", "0", "--health-check", "--http-port", &port], &delays[..]].concat(),
    );
    let port = port.parse().unwrap();
    wait_until("a token", || get(port, "/readiness", &host(port)).0 == 200);
    let mut early = proxy.client();
    assert_eq!(early.ask("PING"), "+PONG");
    proxy.signal(libc::SIGTERM);
    proxy.wait_for("ending because of SIGTERM");
    let mut late = proxy.client();
    assert_eq!(late.ask("PING"), "+PONG", "those who have not heard yet are served");
    assert_eq!(get(port, "/readiness", &host(port)), (503, "stopping\n".to_owned()));
    let address = proxy.listens_on();
    wait_until("no more clients", || TcpStream::connect(&address).is_err());
    assert_eq!(early.ask("PING"), "+PONG", "those who are there may finish");
    assert_eq!(late.ask("PING"), "+PONG");
    drop((early, late));
    assert_eq!(proxy.ended(), 143);
    assert!(!proxy.log().contains("cut off"), "{}", proxy.log());
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let emulator = Emulator::start("1h");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--max-sigterm-delay", "1h"]);
    let mut client = proxy.client();
    assert_eq!(client.ask("PING"), "+PONG");
    proxy.signal(libc::SIGTERM);
    proxy.wait_for("ending because of SIGTERM");
    proxy.signal(libc::SIGINT);
    assert_eq!(proxy.ended(), 143);
    assert_eq!(client.hear(), "");
}

#[test]
fn a_signal_during_the_connection_test_ends_it() {
    let emulator = Emulator::start("1h");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = silent.local_addr().unwrap().to_string();
    let options = [&target, "--identity", "managed_identity", "--port", "0", "--run-connection-test"];
    let mut proxy = Proxy::run(command(&machine(&emulator), &options));
    let _dialled = entrakey_tests::accept(&silent);
    proxy.signal(libc::SIGTERM);
    assert_eq!(proxy.ended(), 143);
}

#[test]
fn wait_and_shutdown_talk_to_a_proxy_that_runs() {
    let emulator = Emulator::start("1h");
    let (http, admin) = (free_port().to_string(), free_port().to_string());
    let entrakey = |arguments: &[&str]| {
        Command::new(artifact("entrakey")).arg("proxy").args(arguments).output().unwrap()
    };
    let said = entrakey(&["wait", "--http-port", &http, "--max", "150ms"]);
    assert_eq!(said.status.code(), Some(5));
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    let why = "not started within 150ms: Connection refused";
    assert!(text.contains(why) && text.contains("--health-check"), "{text}");
    let said = entrakey(&["shutdown", "--admin-port", &admin]);
    assert_eq!(said.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&said.stderr).contains("--quitquitquit"));

    let options =
        ["--port", "0", "--health-check", "--http-port", &http, "--quitquitquit", "--admin-port", &admin];
    let upstream = upstream(&emulator);
    let all = [&[upstream.as_str(), "--identity", "managed_identity"], &options[..]].concat();
    let mut proxy = Proxy::run(command(&machine(&emulator), &all));
    assert!(entrakey(&["wait", "--http-port", &http]).status.success());
    let wrong = entrakey(&["wait", "--http-port", &admin]);
    assert_eq!(wrong.status.code(), Some(1), "somebody was reached, and it is not what was meant: {wrong:?}");
    let admin_port = admin.parse().unwrap();
    let of_a_page = format!("{}Origin: https://evil.example\r\n", host(admin_port));
    assert_eq!(get(admin_port, "/quitquitquit", &of_a_page).0, 403);
    assert!(entrakey(&["shutdown", "--admin-port", &admin]).status.success());
    assert_eq!(proxy.ended(), 0);
}

#[test]
fn orders_find_the_ports_in_the_proxys_file() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("orders"));
    let (http, admin, upstream) = (free_port(), free_port(), upstream(&emulator));
    let text = format!(
        "host: {upstream}\nport: 0\nhealth-check: true\nhttp-port: {http}\nquitquitquit: true\nadmin-port: {admin}\n\
         entrakey:\n  identity: managed_identity\n"
    );
    let file = folder.write("proxy.yaml", &text).to_str().unwrap().to_owned();
    let mut proxy = Proxy::run(command(&machine(&emulator), &["--config-file", &file]));
    let entrakey = |arguments: &[&str], variable: &str| {
        let mut command = Command::new(artifact("entrakey"));
        command.env("ENTRAKEY_PROXY_CONFIG_FILE", variable).arg("proxy").args(arguments).output().unwrap()
    };
    let said = entrakey(&["wait", "--config-file", &file], "");
    assert!(said.status.success(), "{said:?}");
    let typed = entrakey(&["shutdown", "--admin-port", &free_port().to_string()], &file);
    assert_eq!(typed.status.code(), Some(5), "what is typed wins");
    let said = entrakey(&["shutdown"], &file);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(proxy.ended(), 0);
}

#[test]
fn a_request_to_end_is_heard_during_the_connection_test() {
    let (emulator, port) = (Emulator::start("1h"), free_port());
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // it answers no TLS
    let (target, admin) = (silent.local_addr().unwrap().to_string(), port.to_string());
    let given = [&target, "--identity", "managed_identity", "--port", "0", "--connect-timeout", "1h"];
    let asked = ["--run-connection-test", "--quitquitquit", "--admin-port", &admin];
    let mut proxy = Proxy::run(command(&machine(&emulator), &[&given[..], &asked].concat()));
    let _dialled = silent.accept().unwrap();
    assert_eq!(get(port, "/quitquitquit", &host(port)).0, 200);
    assert_eq!(proxy.ended(), 0);
}

#[test]
fn systemd_is_told_when_it_is_ready_and_when_it_ends() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("notify"));
    let path = folder.path().join("notify.sock");
    let systemd = UnixDatagram::bind(&path).unwrap();
    systemd.set_read_timeout(Some(PATIENCE)).unwrap();
    let upstream = upstream(&emulator);
    let mut command =
        command(&machine(&emulator), &[&upstream, "--identity", "managed_identity", "--port", "0"]);
    command.env("NOTIFY_SOCKET", &path);
    let mut proxy = Proxy::run(command);
    let hear = || {
        let mut bytes = [0; 256];
        let length = systemd.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let ready = hear();
    assert!(ready.starts_with("READY=1\n") && ready.contains(&format!("STATUS=for {upstream}")), "{ready}");
    proxy.signal(libc::SIGTERM);
    assert_eq!(hear(), "STOPPING=1\n");
    assert_eq!(proxy.ended(), 143);
}

fn host(port: u16) -> String {
    format!("Host: localhost:{port}\r\n")
}
