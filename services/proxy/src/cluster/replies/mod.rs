//! Answers as servers write them, through a session: the client gets the same with local ports, wherever it is cut.

mod recorded;

use super::{Announced, Nodes};
use crate::credentials::Credentials;
use crate::fuzzing;
use crate::owed::Protocol;
use crate::session::Session;
use recorded::{RECORDED, Recorded};
use std::sync::Arc;
use std::time::{Duration, Instant};

const REQUESTS: &str = "CLUSTER SLOTS\r\ncluster shards\r\n*2\r\n$7\r\nCluster\r\n$5\r\nNODES\r\nCLUSTER REPLICAS x\r\nGET a{b}\r\n";
/// Of the servers, and what they become.
const PORTS: [(u16, u16); 11] = [
    (7100, 47100),
    (7101, 47101),
    (7102, 47102),
    (7110, 47110),
    (7111, 47111),
    (7112, 47112),
    (7120, 47120),
    (7121, 47121),
    (7122, 47122),
    (8500, 48500),
    (8501, 48501),
];

/// With local ports on 127.0.0.9, and a server connection that speaks that protocol.
fn session(protocol: Protocol) -> Session {
    let (nodes, _listeners) = Nodes::new(false);
    nodes.listen_on("127.0.0.9".parse().unwrap());
    nodes.know(&PORTS);
    let announced = Announced::new(nodes, None, true);
    let mut session = Session::new(None).announcing(Some(announced));
    session.attach(Arc::new(Credentials::good_for(Duration::from_secs(3600), 1, "oid", "secret")));
    if protocol == Protocol::Three {
        assert!(exchange(&mut session, "HELLO 3\r\n", &["%0\r\n"]).contains("%0"));
    }
    session
}

/// What the client gets for these requests when the server's bytes come in these pieces.
fn exchange(session: &mut Session, requests: &str, pieces: &[&str]) -> String {
    let now = Instant::now();
    assert_eq!(session.take_from_client(requests.as_bytes(), now), requests.len());
    session.up.advance(session.up.unsent().len());
    let (mut rest, mut got) = (Vec::new(), Vec::new());
    for piece in pieces {
        rest.extend_from_slice(piece.as_bytes());
        let taken = session.take_from_upstream(&rest, now);
        rest.drain(..taken);
        got.extend_from_slice(session.down.unsent());
        session.down.advance(session.down.unsent().len());
    }
    assert!(rest.is_empty() && session.end().is_none(), "{:?} is left, {:?}", rest, session.end());
    String::from_utf8(got).unwrap()
}

/// The same by other means: text for text.
fn expected(replies: &[&str; 5]) -> String {
    let name = "$8\r\nhostname\r\n$18\r\nnode-1.example.net\r\n";
    let all = |text: &str| {
        let mut text = text.replace("127.0.0.1", "127.0.0.9").replace("127.0.2.4", "127.0.0.9");
        for (port, local) in PORTS {
            text = text.replace(&format!(":{port}\r\n"), &format!(":{local}\r\n"));
            text = text.replace(&format!(":{port}@"), &format!(":{local}@"));
        }
        text
    };
    let [slots, shards, nodes, replicas, moved] = replies;
    let slots = slots.replace(&format!("*2\r\n{name}"), "*0\r\n").replace(&format!("%1\r\n{name}"), "%0\r\n");
    let shards = shards.replace(name, "").replace("*16\r\n", "*14\r\n").replace("%8\r\n", "%7\r\n");
    let shards = shards.replace("$8\r\ntls-port", "$4\r\nport");
    let nodes = text(&all(&nodes.replace(",node-1.example.net", "")));
    let replicas = match replicas.split_once("\r\n") {
        Some((count, line)) if !line.is_empty() => format!("{count}\r\n{}", text(&all(line))),
        _ => (*replicas).to_owned(),
    };
    [all(&slots), all(&shards), nodes, replicas, all(moved)].concat()
}

/// A text that has changed, with its length.
fn text(reply: &str) -> String {
    let (header, content) = reply.split_once("\r\n").unwrap();
    format!("{}{}\r\n{content}", &header[..1], content.len() - 2)
}

#[test]
fn every_answer_names_local_ports_wherever_it_is_cut() {
    for Recorded { server, protocol, replies } in &RECORDED {
        let (stream, expected) = (replies.concat(), expected(replies));
        for cut in 0..=stream.len() {
            let (first, second) = stream.split_at(cut);
            let got = exchange(&mut session(*protocol), REQUESTS, &[first, second]);
            assert_eq!(got, expected, "{server}, {protocol:?}, cut at {cut}");
        }
        let bytes: Vec<&str> = stream.split("").collect();
        assert_eq!(exchange(&mut session(*protocol), REQUESTS, &bytes), expected, "{server}, byte by byte");
        assert!(!expected.contains("node-1") && !expected.contains("127.0.0.1"), "{expected:?}");
    }
}

#[test]
fn redirections_inside_a_transaction_and_of_sharded_channels_lead_to_local_ports() {
    let mut session = session(Protocol::Two);
    let replies = "+OK\r\n-MOVED 3300 10.0.0.5:8500\r\n-EXECABORT Transaction discarded because of previous errors.\r\n\
        +OK\r\n+QUEUED\r\n-ASK 3300 :8501\r\n-MOVED 7629 [::1]:8501\r\n-ERR unknown\r\n";
    let requests = "MULTI\r\nGET a{b}\r\nEXEC\r\nMULTI\r\nGET a{b}\r\nEXEC\r\nBLPOP k 1\r\nFOO\r\n";
    let got = exchange(&mut session, requests, &[replies]);
    let local = replies.replace("10.0.0.5:8500", "127.0.0.9:48500").replace(" :8501", " 127.0.0.9:48501");
    assert_eq!(got, local.replace("[::1]:8501", "127.0.0.9:48501"));
}

#[test]
fn an_answer_of_unknown_form_is_refused_and_an_error_is_passed_on() {
    for (request, reply, expected) in [
        ("CLUSTER SLOTS\r\n", "+OK\r\n", "SLOTS has a form that the proxy does not know"),
        ("CLUSTER NODES\r\n", "$7\r\nid only\r\n", "NODES has a form that the proxy does not know"),
        ("CLUSTER SHARDS\r\n", "*1\r\n*2\r\n$1\r\na\r\n:1\r\n", "SHARDS has a form"),
        (
            "CLUSTER SLOTS\r\n",
            "-ERR This instance has cluster support disabled\r\n",
            "-ERR This instance has cluster",
        ),
        ("CLUSTER MYID\r\n", "$3\r\nabc\r\n", "$3\r\nabc\r\n"),
        // A node of which the server does not know the port gets none here.
        (
            "CLUSTER SLOTS\r\n",
            "*1\r\n*4\r\n:0\r\n:9\r\n*4\r\n$9\r\n127.0.0.1\r\n:7100\r\n$1\r\na\r\n*0\r\n*4\r\n$-1\r\n:0\r\n$1\r\nb\r\n*0\r\n",
            ":47100\r\n$1\r\na\r\n*0\r\n*4\r\n$-1\r\n:0\r\n$1\r\nb\r\n*0\r\n",
        ),
        (
            "CLUSTER SHARDS\r\n",
            "*1\r\n*2\r\n$5\r\nnodes\r\n*1\r\n*6\r\n$4\r\nport\r\n:7100\r\n$8\r\ntls-port\r\n:0\r\n$2\r\nip\r\n$0\r\n\r\n",
            "*4\r\n$4\r\nport\r\n:47100\r\n$2\r\nip\r\n$9\r\n127.0.0.9\r\n",
        ),
        (
            "CLUSTER SHARDS\r\n",
            "*1\r\n*2\r\n$5\r\nnodes\r\n*1\r\n*4\r\n$4\r\nport\r\n:0\r\n$2\r\nip\r\n$0\r\n\r\n",
            "*4\r\n$4\r\nport\r\n:0\r\n$2\r\nip\r\n$0\r\n\r\n",
        ),
        (
            "GET a\r\n",
            "-MOVED 3300 10.0.0.5:0\r\n",
            "-ERR entrakey proxy: the server has named a node without a port\r\n",
        ),
        (
            "CLUSTER NODES\r\n",
            "$29\r\nid :0@0 master,noaddr - 0 0 0\r\n",
            "$29\r\nid :0@0 master,noaddr - 0 0 0",
        ),
    ] {
        let got = exchange(&mut session(Protocol::Two), request, &[reply]);
        assert!(got.contains(expected), "{request:?}: {got:?}");
    }
}

#[test]
fn where_nodes_are_is_not_asked_inside_a_transaction() {
    let mut session = session(Protocol::Two);
    let requests = "MULTI\r\nCLUSTER SLOTS\r\nEXEC\r\n";
    let got = exchange(&mut session, requests, &["+OK\r\n", "+OK\r\n"]);
    assert!(
        got.contains("-ERR Command not allowed inside a transaction") && got.contains("-EXECABORT"),
        "{got:?}"
    );
}

#[test]
fn an_answer_longer_than_a_mebibyte_ends_the_connection() {
    let mut session = session(Protocol::Two);
    assert!(session.take_from_client(b"CLUSTER NODES\r\n", Instant::now()) > 0);
    let piece = vec![b'x'; 1 << 16];
    session.take_from_upstream(b"$2000000\r\n", Instant::now());
    for _ in 0..16 {
        session.take_from_upstream(&piece, Instant::now());
    }
    assert!(session.end().unwrap().why.contains("longer than 1 MiB"));
    assert!(session.down.is_empty());
}

#[test]
fn damaged_answers_become_one_reply_or_an_error() {
    for seed in 0..3_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (kind, recorded) = (random.u8(..5), &RECORDED[random.usize(..RECORDED.len())]);
        let mut reply = recorded.replies[usize::from(kind)].as_bytes().to_vec();
        for _ in 0..random.u8(..4) {
            let at = random.usize(..reply.len());
            reply[at] = *random.choice(b"0123456789$*%=+-:@, \r\nx").unwrap_or(&b'x');
        }
        fuzzing::nodes(&[&[kind], reply.as_slice()].concat());
    }
}
