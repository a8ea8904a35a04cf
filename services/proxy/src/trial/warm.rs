//! Connections that are ready before a client comes.

use super::server::Server;
use super::{PATIENCE, TOKEN, USER, direct, proxy, through};
use std::time::{Duration, Instant};
use tokio::time::sleep;

type Other = super::Client<tokio::net::TcpStream>;

async fn other(server: &Server) -> Other {
    let mut other = direct(server).await;
    assert_eq!(other.ask(&format!("AUTH {USER} {TOKEN}")).await, "+OK\r\n");
    other
}

/// The ids of all connections but this one, once there are so many.
async fn ids(other: &mut Other, count: usize) -> Vec<String> {
    let started = Instant::now();
    loop {
        other.send("CLIENT LIST\r\nPING done\r\n").await;
        let list = other.read_to("done\r\n").await;
        let lines = list.lines().filter(|line| line.contains("id=") && !line.contains("cmd=client|list"));
        let id = |line: &str| line.split(['=', ' ']).nth(1).unwrap().to_owned();
        let ids: Vec<_> = lines.filter(|line| line.contains("cmd=auth")).map(id).collect();
        if ids.len() == count {
            return ids;
        }
        assert!(started.elapsed() < PATIENCE, "{ids:?} instead of {count}: {list}");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_client_gets_a_connection_that_is_ready_and_nobody_gets_it_after() {
    let server = Server::strict();
    let (proxy, mut other) = (proxy(&server), other(&server).await);
    let keeper = proxy.clone();
    let keeping = tokio::spawn(async move { keeper.keep_warm(2).await });
    let mut seen = Vec::new();
    for _ in 0..3 {
        let ready = ids(&mut other, 2).await;
        let mut client = through(&proxy);
        let id = client.ask("CLIENT ID").await.trim_start_matches(':').trim_end().to_owned();
        assert!(ready.contains(&id) && !seen.contains(&id), "{id} of {ready:?} after {seen:?}");
        seen.push(id);
    }
    keeping.abort();
}

#[tokio::test]
async fn those_that_the_server_has_closed_are_not_handed_out() {
    let server = Server::strict();
    let (proxy, mut other) = (proxy(&server), other(&server).await);
    let keeper = proxy.clone();
    let keeping = tokio::spawn(async move { keeper.keep_warm(3).await });
    let before = ids(&mut other, 3).await;
    assert_eq!(other.ask("CLIENT KILL TYPE normal SKIPME yes").await, ":3\r\n");
    let mut client = through(&proxy);
    assert_eq!(client.ask("SET k v").await, "+OK\r\n");
    let after = ids(&mut other, 3).await;
    assert!(after.iter().all(|id| !before.contains(id)), "{after:?} after {before:?}");
    keeping.abort();
}

#[tokio::test]
async fn a_ping_keeps_those_that_answer_and_no_others() {
    let server = Server::strict();
    let (proxy, mut other) = (proxy(&server), other(&server).await);
    proxy.shared.fill(2).await.unwrap();
    let ready = ids(&mut other, 2).await;
    proxy.shared.ping_all().await;
    other.send(format!("CLIENT KILL ID {}\r\nCLIENT LIST\r\nPING done\r\n", ready[0])).await;
    let list = other.read_to("done\r\n").await;
    assert_eq!(list.matches("cmd=ping").count(), 1, "the other one was asked too: {list}");
    proxy.shared.ping_all().await;
    let left = proxy.shared.pool.take().unwrap();
    assert!(proxy.shared.pool.take().is_none());
    drop(left);
}
