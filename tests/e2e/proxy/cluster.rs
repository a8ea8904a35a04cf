//! The OSS cluster policy: whatever names a node names a port of the proxy's.

use super::running::{Client, Proxy, command, machine, upstream};
use entrakey_tests::{Emulator, Folder, PATIENCE};
use serde_json::json;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

/// Its slot, 12182, is the last node's.
const KEY: &str = "foo";

fn cluster() -> Emulator {
    Emulator::start_with("1h", &["--cluster-policy", "oss", "--nodes", "3"])
}

fn at(address: &str) -> Client<TcpStream> {
    Client::new(TcpStream::connect(address).unwrap())
}

/// Where that redirection leads.
fn place(moved: &str) -> String {
    let place = moved.strip_prefix("-MOVED 12182 ").unwrap_or_else(|| panic!("{moved:?}"));
    place.to_owned()
}

#[test]
fn a_client_is_led_to_local_ports_and_behind_them_is_the_node() {
    let emulator = cluster();
    let mut proxy = Proxy::start(&emulator, &["--port", "0"]);
    let mut client = proxy.client();
    let owner = place(&client.ask(&format!("SET {KEY} 1")));
    assert!(owner.starts_with("127.0.0.1:"), "{owner}");
    assert_eq!(at(&owner).ask(&format!("SET {KEY} 2")), "+OK");
    assert_eq!(place(&client.ask(&format!("GET {KEY}"))), owner, "a node keeps its port");
    assert_eq!(client.ask("MULTI"), "+OK");
    assert_eq!(place(&client.ask(&format!("GET {KEY}"))), owner);
    assert!(client.ask("EXEC").starts_with("-EXECABORT"));
    for question in ["CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER NODES"] {
        let mut lines = vec![client.ask(question)];
        client.ask_only("ECHO end-of-it");
        while lines.last().is_none_or(|line| line != "end-of-it") {
            lines.push(client.hear());
        }
        let said = lines.join("\n");
        assert!(said.contains("127.0.0.1") && !said.contains("127.0.2.4"), "{question}: {said}");
        assert!(said.contains(owner.rsplit(':').next().unwrap()), "{question}: {said}");
    }
    proxy.wait_for(&format!("{owner} is for the server's node"));
}

#[test]
fn after_a_fail_over_there_is_a_new_port_and_at_the_old_one_nobody() {
    let emulator = cluster();
    let mut proxy = Proxy::start(&emulator, &["--port", "0"]);
    let mut client = proxy.client();
    let before = place(&client.ask(&format!("SET {KEY} 1")));
    let mut at_node = at(&before);
    assert_eq!(at_node.ask(&format!("SET {KEY} 1")), "+OK");
    emulator.control("POST", "/emulator/redis/failover", Some(&json!({"node": 2, "down_ms": 0})));
    assert_eq!(at_node.hear(), "", "its connection has ended");
    assert_eq!(at(&before).ask("PING"), "", "an error would be taken for an answer");
    proxy.wait_for("no TCP connection to");
    let after = place(&client.ask(&format!("GET {KEY}")));
    assert_ne!(after, before);
    let mut at_node = at(&after);
    assert_eq!(at_node.ask(&format!("GET {KEY}")), "$1");
    assert_eq!(at_node.hear(), "1");
}

#[test]
fn the_address_that_is_listened_on_is_announced_or_the_one_that_a_client_has_come_by() {
    let emulator = cluster();
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--address", "127.0.0.5"]);
    let owner = place(&proxy.client().ask(&format!("GET {KEY}")));
    assert!(owner.starts_with("127.0.0.5:"), "{owner}");
    assert_eq!(at(&owner).ask(&format!("GET {KEY}")), "$-1");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--address", "0.0.0.0", "--insecure-bind"]);
    let port = proxy.listens_on().rsplit(':').next().unwrap().to_owned();
    let owner = place(&at(&format!("127.0.0.6:{port}")).ask(&format!("GET {KEY}")));
    assert!(owner.starts_with("127.0.0.6:"), "{owner}");
    assert_eq!(at(&owner).ask(&format!("GET {KEY}")), "$-1");
}

#[test]
fn a_unix_socket_alone_is_refused_with_the_way_out() {
    let (emulator, folder) = (cluster(), Folder::new("cluster"));
    let path = folder.path().join("redis.sock");
    let upstream = upstream(&emulator);
    let options = [&upstream, "--identity", "managed_identity", "--unix-socket", path.to_str().unwrap()];
    let mut proxy = Proxy::run(command(&machine(&emulator), &options));
    assert_eq!(proxy.ended(), 2);
    let said = proxy.wait_for("has the OSS cluster policy");
    assert!(said.contains("Add --port or --address"), "{said}");
    assert!(!path.exists(), "its socket goes with it");
    // With a port besides, clients of the socket are led there.
    let _proxy = Proxy::start(&emulator, &["--unix-socket", path.to_str().unwrap(), "--port", "0"]);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let owner = place(&Client::over(stream).ask(&format!("GET {KEY}")));
    assert_eq!(at(&owner).ask(&format!("GET {KEY}")), "$-1");
}

#[test]
fn a_unix_socket_alone_is_enough_for_the_enterprise_policy() {
    let (emulator, folder) = (Emulator::start("1h"), Folder::new("enterprise"));
    let path = folder.path().join("redis.sock");
    let _proxy = Proxy::start(&emulator, &["--unix-socket", path.to_str().unwrap()]);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::over(stream);
    assert_eq!(client.ask("SET foo 1"), "+OK");
    assert_eq!(client.ask("CLUSTER SLOTS"), "-ERR This instance has cluster support disabled");
}
