//! Health and metrics.

use super::running::{Proxy, get};
use entrakey_tests::{Emulator, free_port, wait_until};
use serde_json::json;

fn host(port: u16) -> String {
    format!("Host: 127.0.0.1:{port}\r\n")
}

#[test]
fn it_is_ready_with_a_token_and_room_and_no_probe_dials() {
    let (emulator, port) = (Emulator::start("1h"), free_port());
    let refusal = json!({"route": "imds", "answers": [{"status": 400, "times": 1}]});
    emulator.control("POST", "/emulator/faults", Some(&refusal));
    let given = ["--port", "0", "--health-check", "--http-port", &port.to_string(), "--max-connections", "1"];
    let mut proxy = Proxy::start(&emulator, &given);
    let ask = |path: &str| get(port, path, &host(port));
    proxy.wait_for("token request failed");
    assert_eq!(ask("/startup").0, 200);
    assert_eq!(ask("/liveness").0, 200);
    let (status, reason) = ask("/readiness");
    assert_eq!(status, 503);
    assert!(reason.starts_with("no usable token (") && reason.ends_with(", see the log)\n"), "{reason}");
    wait_until("a token", || ask("/readiness").0 == 200);
    let dialled = || {
        let stats = emulator.control("GET", "/emulator/stats", None);
        stats["redis"]["by_object_id"]
            .as_object()
            .unwrap()
            .values()
            .map(|one| one["auths"].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(dialled(), 0);
    let mut client = proxy.client();
    assert_eq!(client.ask("PING"), "+PONG");
    assert_eq!(dialled(), 1, "that is where a dial would show");
    assert_eq!(ask("/readiness"), (503, "all 1 connections are in use\n".to_owned()));
    assert_eq!(dialled(), 1);
    drop(client);
    wait_until("room", || ask("/readiness").0 == 200);
    assert_eq!(ask("/metrics").0, 404, "nobody asked for metrics");
}

#[test]
fn metrics_are_the_proxys_and_the_librarys_and_for_no_web_page() {
    let (emulator, port) = (Emulator::start("1h"), free_port());
    let mut proxy =
        Proxy::start(&emulator, &["--port", "0", "--prometheus", "--http-port", &port.to_string()]);
    let mut client = proxy.client();
    assert_eq!(client.ask("PING"), "+PONG");
    let (status, text) = get(port, "/metrics", &host(port));
    assert_eq!(status, 200);
    let upstream = super::running::upstream(&emulator);
    for line in [
        format!("entrakey_proxy_connections{{upstream=\"{upstream}\",state=\"connected\"}} 1"),
        format!("entrakey_proxy_accepted_total{{upstream=\"{upstream}\"}} 1"),
        format!("entrakey_proxy_refused_total{{upstream=\"{upstream}\",reason=\"full\"}} 0"),
        format!("entrakey_proxy_reauth_total{{upstream=\"{upstream}\",result=\"accepted\"}} 0"),
        format!("entrakey_proxy_upstream_connect_seconds_count{{upstream=\"{upstream}\"}} 1"),
        "entrakey_token_expiry_timestamp_seconds{provider=\"\"} ".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    assert_eq!(text.matches("# EOF\n").count(), 1);
    assert!(text.ends_with("# EOF\n"));
    for foreign in
        ["Host: evil.example\r\n".to_owned(), format!("{}Origin: null\r\n", host(port)), String::new()]
    {
        assert_eq!(get(port, "/metrics", &foreign).0, 403, "{foreign}");
    }
    assert_eq!(get(port, "/readiness", &host(port)).0, 404, "nobody asked for probes");
    let long = format!("{}X: {}\r\n", host(port), "x".repeat(20_000));
    assert_eq!(get(port, "/metrics", &long).0, 431);
}

#[test]
fn health_can_be_asked_at_another_address() {
    let (emulator, port) = (Emulator::start("1h"), free_port());
    let given =
        ["--port", "0", "--health-check", "--http-address", "127.0.0.3", "--http-port", &port.to_string()];
    let _proxy = Proxy::start(&emulator, &given);
    assert!(std::net::TcpStream::connect(("127.0.0.3", port)).is_ok());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}
