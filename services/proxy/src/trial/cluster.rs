//! A cluster of two: what a client gets through the proxy is what it gets directly, with other ports.

use super::server::Server;
use super::{Client, OFTEN, PATIENCE, TOKEN, USER, direct, provider, through};
use crate::{NodeListeners, Nodes, Options, Proxy, Upstream, wire};

use fastrand::Rng;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// Keys of both nodes; nothing whose answer depends on who has asked before.
const COMMANDS: &[&str] = &[
    "SET k 1",
    "GET k",
    "GET a",
    "SET a 1",
    "MGET k a",
    "CLUSTER SLOTS",
    "CLUSTER SHARDS",
    "CLUSTER KEYSLOT k",
    "CLUSTER NONSENSE",
    "CLUSTER",
    "CLUSTER SLOTS x",
    "MULTI\r\nGET k\r\nGET a\r\nEXEC",
    "MULTI\r\nGET k\r\nEXEC",
    "MULTI\r\nGET a\r\nDISCARD",
    "SSUBSCRIBE k a",
    "SSUBSCRIBE a",
    "EVAL return{1,redis.error_reply('MOVED')} 0",
    "EVAL return{redis.error_reply('ERR'),ARGV[1]} 0 x",
    "ECHO MOVED",
    "ASKING\r\nGET a",
    "READONLY",
    "BLPOP k 0.001",
    "XREAD BLOCK 1 STREAMS a 0",
    "CLIENT REPLY SKIP\r\nGET k\r\nPING",
    "CLIENT REPLY OFF\r\nCLUSTER SLOTS\r\nGET a\r\nCLIENT REPLY ON",
];

async fn other(server: &Server) -> Client<TcpStream> {
    let mut other = direct(server).await;
    assert_eq!(other.ask(&format!("AUTH {USER} {TOKEN}")).await, "+OK\r\n");
    other
}

/// Each has half of the slots, and both know it.
async fn cluster() -> [Server; 2] {
    let servers = [0, 1].map(|_| Server::start("--cluster-enabled yes --user default off"));
    let mut clients = [other(&servers[0]).await, other(&servers[1]).await];
    assert_eq!(clients[0].ask("CLUSTER ADDSLOTSRANGE 0 8191").await, "+OK\r\n");
    assert_eq!(clients[1].ask("CLUSTER ADDSLOTSRANGE 8192 16383").await, "+OK\r\n");
    assert_eq!(clients[0].ask(&format!("CLUSTER MEET 127.0.0.1 {}", servers[1].port)).await, "+OK\r\n");
    let started = Instant::now();
    // k is the first one's, a the second one's.
    while !clients[0].ask("GET a").await.starts_with("-MOVED ")
        || !clients[1].ask("GET k").await.starts_with("-MOVED ")
    {
        assert!(started.elapsed() < PATIENCE, "they do not meet");
        sleep(Duration::from_millis(20)).await;
    }
    servers
}

/// In pieces, to where `end` is answered.
async fn exchange<S>(client: &mut Client<S>, bytes: &[u8], cuts: &[usize], end: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut rest = bytes;
    for cut in cuts {
        let (piece, behind) = rest.split_at((*cut).min(rest.len()));
        client.send(piece).await;
        tokio::task::yield_now().await;
        rest = behind;
    }
    client.send(rest).await;
    client.read_to(end).await
}

/// The local ports that were opened so far: pairs of the server's and the local one.
fn ports(listeners: &mut NodeListeners, known: &mut Vec<(u16, crate::Node)>) -> Vec<(u16, u16)> {
    while let Ok(node) = listeners.try_recv() {
        known.push((node.port, node));
    }
    known.iter().map(|(port, node)| (*port, node.listener.local_addr().unwrap().port())).collect()
}

fn with_local(mut text: String, ports: &[(u16, u16)]) -> String {
    for (port, local) in ports {
        text = text.replace(&format!(":{port}\r\n"), &format!(":{local}\r\n"));
    }
    text
}

#[tokio::test]
async fn random_pieces_give_the_same_bytes_with_other_ports() {
    let servers = cluster().await;
    let (nodes, mut listeners) = Nodes::new(false);
    nodes.listen_on("127.0.0.1".parse().unwrap());
    let upstream = Upstream::plaintext("127.0.0.1", servers[0].port).unwrap();
    let options = Options { nodes: Some(nodes), ..Options::default() };
    let proxy = Proxy::new(upstream, provider(TOKEN), options).that_authenticates_every(OFTEN);
    // From the first step on both find the same: what BLPOP says depends on it.
    assert_eq!(other(&servers[0]).await.ask("SET k 1").await, "+OK\r\n");
    let seed = fastrand::u64(..);
    let (mut rng, mut known) = (Rng::with_seed(seed), Vec::new());
    for round in 0..12 {
        let (mut ours, mut theirs) = (through(&proxy), other(&servers[0]).await);
        if round % 2 == 1 {
            greet(&mut theirs).await;
            greet(&mut ours).await;
        }
        for step in 0..20 {
            let commands: Vec<_> =
                (0..rng.usize(1..8)).map(|_| COMMANDS[rng.usize(..COMMANDS.len())]).collect();
            let end = format!("end-{round}-{step}\r\n");
            let lines = commands.iter().flat_map(|command| command.split("\r\n"));
            let mut bytes: Vec<u8> =
                lines.flat_map(|line| wire::request(&line.split(' ').collect::<Vec<_>>())).collect();
            bytes.extend(format!("ECHO {end}").bytes());
            let cuts: Vec<_> = (0..rng.usize(..4)).map(|_| rng.usize(1..40)).collect();
            let expected = exchange(&mut theirs, &bytes, &cuts, &end).await;
            let got = exchange(&mut ours, &bytes, &cuts, &end).await;
            let ports = ports(&mut listeners, &mut known);
            assert_eq!(got, with_local(expected, &ports), "seed {seed}, {commands:?} in {cuts:?}");
        }
    }
    assert_eq!(known.len(), 2);
}

/// Its answer has the connection's number.
async fn greet<S: AsyncRead + AsyncWrite + Unpin>(client: &mut Client<S>) {
    client.send("HELLO 3\r\nECHO greeted\r\n").await;
    client.read_to("greeted\r\n").await;
}
