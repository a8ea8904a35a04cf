//! What an AUTH at the wrong moment would break, one by one.

use super::server::Server;
use super::{OFTEN, PATIENCE, TOKEN, USER, direct, proxy, through};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Another client of a server that lets in by token only.
async fn other(server: &Server) -> super::Client<tokio::net::TcpStream> {
    let mut other = direct(server).await;
    assert_eq!(other.ask(&format!("AUTH {USER} {TOKEN}")).await, "+OK\r\n");
    other
}

async fn until_one_waits(other: &mut super::Client<tokio::net::TcpStream>) {
    let started = Instant::now();
    loop {
        other.send("INFO clients\r\nPING done\r\n").await;
        if other.read_to("done\r\n").await.contains("blocked_clients:1") {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "nobody waits");
    }
}

#[tokio::test]
async fn a_command_that_waits_for_ever_gets_its_auths_and_nothing_overtakes_it() {
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(OFTEN);
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    other.ask("XADD s 9-9 in another_database").await;
    other.read_to("\r\n").await;
    for one in [client.ask("SELECT 1").await, other.ask("SELECT 1").await] {
        assert_eq!(one, "+OK\r\n");
    }
    for (wait, end, answer) in [
        ("BLPOP q 0", "LPUSH q 1", "*2\r\n$1\r\nq\r\n$1\r\n1\r\n"),
        ("XREAD BLOCK 0 STREAMS s $", "XADD s 5-5 f v", "$3\r\n5-5\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("XREAD BLOCK 0 STREAMS s $", "XADD s 6-6 f v", "$3\r\n6-6\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("WAIT 1 0", "CLIENT UNBLOCK", ""),
    ] {
        client.send(format!("{wait}\r\nINCR n\r\nECHO end\r\n")).await;
        until_one_waits(&mut other).await;
        let so_far = proxy.observe().counts().reauth[0].1;
        let started = Instant::now();
        while proxy.observe().counts().reauth[0].1 < so_far + 5 {
            assert!(started.elapsed() < PATIENCE, "{wait}: no AUTH while it waits");
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(other.ask("EXISTS n").await, ":0\r\n", "{wait} was overtaken");
        if answer.is_empty() {
            break;
        }
        other.ask(end).await;
        let answered = client.read_to("end\r\n").await;
        assert!(answered.contains(answer) && answered.ends_with(":1\r\n$3\r\nend\r\n"), "{answered:?}");
        other.send("DEL n\r\nPING done\r\n").await;
        other.read_to("done\r\n").await;
    }
}
