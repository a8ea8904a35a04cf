//! Connections that are ready before a client comes.

use super::running::Proxy;
use entrakey_tests::{Emulator, wait_until};

/// How many connections the emulator has now, and how many it has ended because their token had expired.
fn connections(emulator: &Emulator) -> (u64, u64) {
    let stats = emulator.control("GET", "/emulator/stats", None);
    let each = stats["redis"]["by_object_id"].as_object().into_iter().flatten();
    each.map(|(_, of)| (of["connected"].as_u64().unwrap(), of["expired"].as_u64().unwrap()))
        .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1))
}

#[test]
fn so_many_are_ready_and_outlive_their_tokens() {
    let emulator = Emulator::start("3s");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--warm", "2"]);
    wait_until("two connections", || connections(&emulator) == (2, 0));
    wait_until("three tokens more", || emulator.token_requests() >= 4);
    assert_eq!(connections(&emulator), (2, 0));
    let mut client = proxy.client();
    assert_eq!(client.ask("SET key 1"), "+OK");
    wait_until("another one in its place", || connections(&emulator) == (3, 0));
}
