//! Connections that are ready before a client comes.

use super::running::Proxy;
use entrakey_tests::{Emulator, wait_until};

/// What the emulator has counted of the connections of everybody.
fn counted(emulator: &Emulator, what: &str) -> u64 {
    let stats = emulator.control("GET", "/emulator/stats", None);
    let each = stats["redis"]["by_object_id"].as_object().into_iter().flatten();
    each.map(|(_, of)| of[what].as_u64().unwrap()).sum()
}

#[test]
fn so_many_are_ready_and_outlive_their_tokens() {
    let emulator = Emulator::start("6s");
    let mut proxy = Proxy::start(&emulator, &["--port", "0", "--warm", "2"]);
    // The first one, and three more: the third comes when the first one's token is over.
    wait_until("four AUTHs on each", || counted(&emulator, "auths") >= 8);
    assert_eq!(["connections", "connected", "expired"].map(|what| counted(&emulator, what)), [2, 2, 0]);
    let mut client = proxy.client();
    assert_eq!(client.ask("SET key 1"), "+OK");
    wait_until("another one in its place", || counted(&emulator, "connections") == 3);
    assert_eq!(counted(&emulator, "connected"), 3);
}
