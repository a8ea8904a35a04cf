//! Dialogues, as they would be on the wire, cut at every byte.

use super::{Deed, Session, Verdict};
use crate::LocalPassword;
use crate::blocked::UnblockAnswer;
use crate::credentials::Credentials;
use crate::ended::By;
use crate::wire;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// A session, and what has not been taken yet of what was sent to it.
struct Bench {
    session: Session,
    from_client: Vec<u8>,
    from_server: Vec<u8>,
    now: Instant,
    /// In pieces of this length.
    piece: usize,
}

const WRONGPASS: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
const CANNOT_GET: &str = "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
    allowed in this context\r\n";

fn credentials(version: u64) -> Arc<Credentials> {
    Arc::new(Credentials::good_for(Duration::from_secs(3600), version, "me", &format!("token{version}")))
}

fn auth(version: u64) -> String {
    String::from_utf8(credentials(version).request.to_vec()).unwrap()
}

impl Bench {
    fn new(piece: usize) -> Self {
        let mut bench = Self::unconnected(piece, None);
        bench.session.attach(credentials(1));
        bench
    }

    fn unconnected(piece: usize, password: Option<&str>) -> Self {
        let password = password.map(|text| LocalPassword::new(Zeroizing::new(text.to_owned())));
        let (from_client, from_server) = (Vec::new(), Vec::new());
        Self { session: Session::new(password), from_client, from_server, now: Instant::now(), piece }
    }

    /// The client sends this; what goes to the server.
    fn client(&mut self, bytes: &str) -> String {
        for piece in bytes.as_bytes().chunks(self.piece) {
            self.from_client.extend_from_slice(piece);
            self.offer();
        }
        self.up()
    }

    /// The server sends this; what goes to the client.
    fn server(&mut self, bytes: &str) -> String {
        for piece in bytes.as_bytes().chunks(self.piece) {
            self.from_server.extend_from_slice(piece);
            self.offer();
        }
        self.down()
    }

    fn offer(&mut self) {
        let taken = self.session.take_from_upstream(&self.from_server, self.now);
        self.from_server.drain(..taken);
        let taken = self.session.take_from_client(&self.from_client, self.now);
        self.from_client.drain(..taken);
    }

    fn up(&mut self) -> String {
        let text = String::from_utf8_lossy(self.session.up.unsent()).into_owned();
        self.session.up.advance(text.len());
        text
    }

    fn down(&mut self) -> String {
        let text = String::from_utf8_lossy(self.session.down.unsent()).into_owned();
        self.session.down.advance(text.len());
        text
    }

    /// A newer token is there; what goes to the server, the nonce apart.
    fn renew(&mut self, version: u64) -> Option<String> {
        self.session.authenticate(credentials(version));
        self.sent_auth(version)
    }

    /// The nonce, if an AUTH was just sent, and nothing else.
    fn sent_auth(&mut self, version: u64) -> Option<String> {
        let up = self.up();
        up.strip_prefix(&auth(version)).map(|marker| {
            let nonce = marker
                .strip_prefix("*2\r\n$4\r\nECHO\r\n$32\r\n")
                .and_then(|nonce| nonce.strip_suffix("\r\n"));
            nonce.expect("an ECHO").to_owned()
        })
    }

    fn verdicts(&mut self) -> Vec<Verdict> {
        let deeds = self.session.take_deeds();
        deeds
            .into_iter()
            .filter_map(|deed| if let Deed::Report(verdict) = deed { Some(verdict) } else { None })
            .collect()
    }

    fn ended(&self) -> Option<By> {
        self.session.end().map(|ended| ended.by)
    }
}

fn request(line: &str) -> String {
    String::from_utf8(wire::request(&line.split(' ').collect::<Vec<_>>())).unwrap()
}

/// In pieces of every length that cuts something.
fn pieces() -> impl Iterator<Item = usize> {
    (1..40).chain([4096])
}

#[test]
fn what_is_asked_is_passed_on_and_what_is_answered_comes_back_byte_for_byte() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        let asked = request("SET a b") + "get a\r\n" + &request("LRANGE l 0 -1") + "\r\n*0\r\n";
        assert_eq!(bench.client(&asked), request("SET a b") + "get a\r\n" + &request("LRANGE l 0 -1"));
        let answered = "+OK\r\n$1\r\nb\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n";
        assert_eq!(bench.server(answered), answered);
        assert!(!bench.session.owes());
    }
}

#[test]
fn an_auth_goes_between_requests_and_its_answer_to_nobody() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&request("GET a"));
        let half = &request("GET b")[..15];
        bench.client(half);
        assert_eq!(bench.renew(2), None, "not inside a request");
        let up = bench.client(&request("GET b")[15..]);
        let (rest, sent) = up.split_at(up.find("*3").unwrap());
        assert!(
            half.to_owned() + rest == request("GET b") || rest.is_empty() || request("GET b").ends_with(rest)
        );
        let nonce = sent[sent.len() - 34..].trim_end().to_owned();
        assert!(sent.starts_with(&auth(2)), "{sent}");
        let down = bench.server(&format!("$1\r\n1\r\n$1\r\n2\r\n+OK\r\n$32\r\n{nonce}\r\n"));
        assert_eq!(down, "$1\r\n1\r\n$1\r\n2\r\n");
        assert_eq!(bench.verdicts(), [Verdict { version: 2, outcome: Ok(()) }]);
        assert!(!bench.session.is_behind());
    }
}

/// What servers answer to AUTH and ECHO, and what is to be made of it.
#[test]
fn an_error_that_may_be_auths_or_echos_ends_the_connection() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        let nonce = bench.renew(2).expect("an AUTH");
        bench.client(&request("PING"));
        let down = bench.server(&format!("-TRYAGAIN later\r\n$32\r\n{nonce}\r\n+PONG\r\n"));
        assert!(bench.session.end().is_some() && !down.contains(&nonce), "{down:?}");
    }
}

#[test]
fn an_auth_that_failed_is_known_with_and_without_its_error() {
    let echo_forbidden = "-NOPERM this user has no permissions to run the 'echo' command\r\n";
    for (answers, accepted, forbids) in [
        ("+OK\r\n$32\r\nNONCE\r\n", true, false),
        (&format!("{WRONGPASS}$32\r\nNONCE\r\n"), false, false),
        ("$32\r\nNONCE\r\n", false, false), // Redis 7.2 and later, behind other replies
        ("-ERR WRONGPASS invalid username-password pair\r\n$32\r\nNONCE\r\n", false, false), // Azure Cache for Redis
        (&format!("+OK\r\n{echo_forbidden}"), true, true),
        (&format!("{WRONGPASS}{echo_forbidden}"), false, true),
        (echo_forbidden, false, true),
        (
            "+OK\r\n-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
            true,
            false,
        ),
        (
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
            false,
            false,
        ),
        ("-NOAUTH Authentication required.\r\n", false, false),
    ] {
        for piece in pieces() {
            let mut bench = Bench::new(piece);
            let nonce = bench.renew(2).expect("an AUTH");
            bench.client(&request("PING"));
            let down = bench.server(&(answers.replace("NONCE", &nonce) + "+PONG\r\n"));
            assert_eq!(down, "+PONG\r\n", "{answers:?}");
            let verdicts = bench.verdicts();
            assert_eq!((verdicts.len(), verdicts[0].outcome.is_ok()), (1, accepted), "{answers:?}");
            assert_eq!(bench.session.echo_is_forbidden, forbids, "{answers:?}");
        }
    }
}

#[test]
fn where_echo_is_forbidden_an_unknown_command_marks_the_end() {
    for outcome in [Some("+OK\r\n"), Some(WRONGPASS), None] {
        let mut bench = Bench::new(7);
        bench.session.echo_is_forbidden = true;
        bench.session.authenticate(credentials(2));
        let up = bench.up();
        let nonce =
            up.strip_prefix(&auth(2)).unwrap().strip_prefix("*1\r\n$32\r\n").unwrap().trim_end().to_owned();
        bench.client(&request("PING"));
        let unknown = format!("-ERR unknown command '{nonce}', with args beginning with: \r\n");
        assert_eq!(bench.server(&format!("{}{unknown}+PONG\r\n", outcome.unwrap_or_default())), "+PONG\r\n");
        assert_eq!(bench.verdicts()[0].outcome.is_ok(), outcome == Some("+OK\r\n"));
    }
}

#[test]
fn on_doubt_whose_a_reply_is_both_connections_end() {
    for wrong in ["+QUEUED\r\n", "$5\r\nother\r\n", ":1\r\n", "*0\r\n"] {
        let mut bench = Bench::new(64);
        bench.renew(2);
        assert_eq!(bench.server(wrong), "");
        assert_eq!(bench.ended(), Some(By::Proxy), "{wrong}");
    }
    let mut bench = Bench::new(64);
    assert_eq!(bench.server("-ERR max number of clients reached\r\n"), "");
    assert!(bench.session.end().unwrap().why.contains("max number of clients reached"));
    let mut bench = Bench::new(64);
    bench.client(&request("PING"));
    bench.server("$?\r\n");
    assert_eq!(bench.ended(), Some(By::Upstream));
}

#[test]
fn inside_a_transaction_no_auth_is_sent_and_after_it_at_once() {
    for end in ["EXEC", "DISCARD"] {
        let mut bench = Bench::new(3);
        bench.client(&request("MULTI"));
        assert_eq!(bench.renew(2), None);
        bench.client(&request("SET a 1"));
        let up = bench.client(&request(end));
        assert!(up.ends_with("\r\n") && up.contains(&auth(2)), "{up}");
        assert!(bench.server("+OK\r\n+QUEUED\r\n*1\r\n+OK\r\n").ends_with("+OK\r\n"));
    }
}

#[test]
fn what_the_proxy_refuses_inside_a_transaction_makes_exec_fail() {
    let refusal = "-ERR Command not allowed inside a transaction\r\n";
    for refused in ["SUBSCRIBE c", "UNSUBSCRIBE", "AUTH x", "HELLO 3", "CLIENT REPLY OFF"] {
        let mut bench = Bench::new(5);
        assert_eq!(bench.client(&(request("MULTI") + &request(refused))), request("MULTI"), "{refused}");
        assert_eq!(bench.server("+OK\r\n"), format!("+OK\r\n{refusal}"));
        assert_eq!(bench.client(&request("EXEC")), request("DISCARD"));
        assert_eq!(
            bench.server("+OK\r\n"),
            "-EXECABORT Transaction discarded because of previous errors.\r\n"
        );
        bench.client(&(request("MULTI") + &request("EXEC")));
        assert_eq!(bench.server("+OK\r\n*0\r\n"), "+OK\r\n*0\r\n", "the next one is another");
    }
}

#[test]
fn between_client_caching_or_asking_and_what_it_is_for_no_auth_is_sent() {
    for (prelude, more) in
        [("ASKING", None), ("CLIENT CACHING YES", Some("CLIENT ID")), ("client caching no", None)]
    {
        let mut bench = Bench::new(4096);
        bench.client(&request(prelude));
        assert_eq!(bench.renew(2), None, "{prelude}");
        if let Some(more) = more {
            assert_eq!(bench.client(&request(more)), request(more));
        }
        let up = bench.client(&request("GET a"));
        assert!(up.starts_with(&(request("GET a") + &auth(2))), "{prelude}: {up}");
    }
}

#[test]
fn a_resp2_client_subscribes_by_way_of_resp3_and_sees_nothing_of_it() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        assert_eq!(
            bench.client(&request("SUBSCRIBE")),
            request("SUBSCRIBE"),
            "an error: nothing is switched"
        );
        assert!(
            bench
                .server("-ERR wrong number of arguments for 'subscribe' command\r\n")
                .starts_with("-ERR wrong")
        );
        assert_eq!(bench.client(&request("SUBSCRIBE a a")), request("HELLO 3") + &request("SUBSCRIBE a a"));
        assert_eq!(bench.client(&request("GET a")), "", "it depends on what SUBSCRIBE is answered");
        assert_eq!(bench.renew(2), None);
        assert_eq!(bench.server("%1\r\n$5\r\nproto\r\n:3\r\n"), "");
        let nonce = bench.sent_auth(2).expect("now it is allowed");
        let confirmation = "3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
        let down = bench.server(&format!(">{confirmation}>{confirmation}+OK\r\n$32\r\n{nonce}\r\n"));
        // The local answer is not stuck behind what goes to nobody.
        assert_eq!(down, format!("*{confirmation}*{confirmation}{CANNOT_GET}"));
        assert_eq!(
            bench.server(">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\n>_\r\r\n>2\r\n$10\r\ninvalidate\r\n_\r\n"),
            "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\n>_\r\r\n*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n$-1\r\n"
        );
        assert_eq!(bench.client(&(request("PING") + "ping x\r\n")), request("PING") + "ping x\r\n");
        assert_eq!(
            bench.server("+PONG\r\n$1\r\nx\r\n"),
            "*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n"
        );
        let up = bench.client(&(request("UNSUBSCRIBE") + &request("PUNSUBSCRIBE") + &request("GET a")));
        assert_eq!(up, request("UNSUBSCRIBE"), "what follows depends on what is left");
        assert_eq!(
            bench.server(">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"),
            "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n"
        );
        assert_eq!(bench.up(), request("HELLO 2"));
        assert_eq!(bench.server("*2\r\n$5\r\nproto\r\n:2\r\n"), "");
        assert_eq!(bench.up(), request("PUNSUBSCRIBE") + &request("GET a"));
        let down = "*3\r\n$12\r\npunsubscribe\r\n$-1\r\n:0\r\n$-1\r\n";
        assert_eq!(bench.server(down), down);
    }
}

#[test]
fn that_a_redirection_is_broken_is_told_to_those_who_speak_resp3() {
    let broken = ">2\r\n$21\r\ntracking-redir-broken\r\n:7\r\n";
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&request("SUBSCRIBE a"));
        bench.server("%0\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
        assert_eq!(bench.server(broken), "", "RESP2 has no word for it");
        let mut bench = Bench::new(piece);
        bench.client("HELLO 3\r\n");
        bench.server("%0\r\n");
        bench.client(&request("GET a"));
        assert_eq!(bench.server(&format!("{broken}_\r\n")), format!("{broken}_\r\n"), "and is no reply");
    }
}

#[test]
fn without_resp3_a_subscriber_is_served_and_its_auth_waits() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&request("SUBSCRIBE a"));
        let confirmation = "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n";
        assert_eq!(
            bench.server(&format!("-NOPROTO unsupported protocol version\r\n{confirmation}")),
            confirmation
        );
        assert_eq!(bench.renew(2), None);
        let message = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";
        bench.client(&request("PING"));
        let pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";
        assert_eq!(bench.server(&format!("{message}{pong}{message}")), format!("{message}{pong}{message}"));
        assert!(bench.session.is_behind() && bench.up().is_empty());
        bench.client(&request("UNSUBSCRIBE a"));
        bench.server("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
        assert!(bench.sent_auth(2).is_some());
    }
}

#[test]
fn a_resp3_client_is_passed_through_and_pushes_answer_nothing_else() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client("HELLO 3\r\n");
        bench.server("%1\r\n$5\r\nproto\r\n:3\r\n");
        assert!(bench.renew(2).is_some());
        let asked = request("SUBSCRIBE a b") + &request("GET x") + &request("UNSUBSCRIBE") + &request("PING");
        assert_eq!(bench.client(&asked), asked);
        let nonce_and_replies = ">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n\
            >3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n_\r\n>3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n\
            >3\r\n$11\r\nunsubscribe\r\n$1\r\nb\r\n:0\r\n+PONG\r\n";
        bench.server("-NOAUTH Authentication required.\r\n"); // the marker's
        assert_eq!(bench.server(nonce_and_replies), nonce_and_replies);
        assert!(!bench.session.owes());
    }
}

#[test]
fn a_client_that_leaves_resp3_while_it_is_subscribed_gets_no_auth_from_then_on() {
    let mut bench = Bench::new(64);
    bench.client("HELLO 3\r\n");
    bench.server("%0\r\n");
    bench.client(&request("SUBSCRIBE a"));
    bench.server(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    assert_eq!(bench.client("HELLO 2\r\n"), request("HELLO 2"));
    assert_eq!(bench.renew(2), None, "it would come when the server takes none any more");
    assert_eq!(bench.server("*0\r\n"), "*0\r\n");
    let cannot = "-ERR Can't execute 'hello': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in \
        this context\r\n";
    assert_eq!((bench.up(), bench.server(cannot)), (request("HELLO 3"), String::new()));
    assert_eq!(bench.up(), "");
    bench.client(&request("UNSUBSCRIBE"));
    bench.server("*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n");
    assert!(bench.sent_auth(2).is_some());
}

#[test]
fn a_server_that_repeats_the_token_does_not_bring_it_into_the_log() {
    let unknown = "-ERR unknown command 'AUTH', with args beginning with: 'me' 'token1'\r\n";
    let mut bench = Bench::new(64);
    let up = bench.client(&request("RESET"));
    let nonce = up[up.len() - 34..].trim_end().to_owned();
    bench.server(&format!("+RESET\r\n{unknown}$32\r\n{nonce}\r\n"));
    let mut other = Bench::new(64);
    other.server(unknown);
    for session in [bench.session, other.session] {
        let ended = session.end().unwrap();
        assert!(!format!("{ended} {ended:?}").contains("token1"), "{ended:?}");
    }
}

#[test]
fn client_reply_is_played_here() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        let up = bench.client(
            &(request("CLIENT REPLY OFF")
                + &request("SET a 1")
                + "client reply on\r\n"
                + &request("GET a")
                + "CLIENT REPLY skip\r\n"
                + &request("WRONG")
                + &request("GET a")),
        );
        assert_eq!(up, request("SET a 1") + &request("GET a") + &request("WRONG") + &request("GET a"));
        let down = bench.server("+OK\r\n$1\r\n1\r\n-ERR unknown command\r\n$1\r\n1\r\n");
        assert_eq!(down, "+OK\r\n$1\r\n1\r\n$1\r\n1\r\n", "the first is CLIENT REPLY ON's own");
    }
}

#[test]
fn the_clients_own_password_stays_here() {
    let mut bench = Bench::unconnected(2, None);
    assert_eq!(bench.client(&(request("AUTH dummy") + "auth default dummy\r\n")), "");
    assert_eq!(bench.down(), "+OK\r\n+OK\r\n", "programs have a dummy in their settings");
    assert!(!bench.session.wants_upstream());
    bench.client("PING\r\n");
    assert!(bench.session.wants_upstream());
    bench.session.attach(credentials(1));
    bench.offer();
    assert_eq!(bench.up(), "PING\r\n");
    let up = bench.client(&request("HELLO 3 AUTH default dummy SETNAME auth"));
    assert_eq!(up, request("HELLO 3 SETNAME auth"));
    bench.server("+PONG\r\n%1\r\n+proto\r\n:3\r\n");
    assert_eq!(bench.client(&request("HELLO 2 AUTH a b auth c d")), request("HELLO 2"), "Redis takes two");
    bench.client(&request("AUTH"));
    bench.client(&request("HELLO 3 AUTH dummy"));
    let down = bench.server("*0\r\n");
    assert!(down.ends_with(
        "-ERR wrong number of arguments for 'auth' command\r\n-ERR Syntax error in HELLO option 'AUTH'\r\n"
    ));
}

#[test]
fn with_a_local_password_nothing_passes_before_it_and_it_never_passes() {
    for (sign_in, up) in [
        ("AUTH s3cret", String::new()),
        ("auth anybody s3cret", String::new()),
        ("HELLO 3 AUTH default s3cret SETNAME n", request("HELLO 3 SETNAME n")),
    ] {
        let mut bench = Bench::unconnected(3, Some("s3cret"));
        bench.client(
            &(request("GET a") + &request("AUTH wrong") + &request("HELLO 3") + &request("HELLO 3 AUTH x y")),
        );
        let down = bench.down();
        let texts: Vec<&str> = down.split_terminator("\r\n").map(|line| &line[..10]).collect();
        assert_eq!(texts, ["-NOAUTH Au", "-WRONGPASS", "-NOAUTH HE", "-WRONGPASS"]);
        assert_eq!((bench.session.take_wrong_passwords(), bench.session.wants_upstream()), (2, false));
        bench.client(&request(sign_in));
        bench.client(&request("GET a"));
        assert!(bench.session.wants_upstream());
        bench.session.attach(credentials(1));
        bench.offer();
        assert_eq!(bench.up(), up + &request("GET a"), "{sign_in}");
    }
}

/// What redis-server 7.0.15 answers, and who is signed in then.
#[test]
fn a_hello_with_a_version_that_redis_has_not_lets_nobody_in() {
    let unknown = "-NOPROTO unsupported protocol version\r\n";
    let no_number = "-ERR Protocol version is not an integer or out of range\r\n";
    for (said, answer) in [
        ("HELLO 9 AUTH default s3cret", unknown),
        ("HELLO 1 AUTH default s3cret", unknown),
        ("HELLO 9 AUTH default wrong", unknown),
        ("HELLO x AUTH default s3cret", no_number),
        ("HELLO 03 AUTH default s3cret", no_number),
        ("HELLO +3 AUTH default s3cret", no_number),
        ("HELLO 99999999999999999999 AUTH default s3cret", no_number),
        ("HELLO AUTH default s3cret", no_number),
        ("HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
    ] {
        let mut bench = Bench::unconnected(64, Some("s3cret"));
        assert_eq!(
            (bench.client(&request(said)), bench.down()),
            (String::new(), answer.to_owned()),
            "{said}"
        );
        assert!(!bench.session.is_admitted(), "{said}");
        assert_eq!(bench.session.take_wrong_passwords(), 0, "{said}");
        let mut bench = Bench::new(64); // nor is anything of it sent on by a client that is let in
        assert_eq!(
            (bench.client(&request(said)), bench.down()),
            (String::new(), answer.to_owned()),
            "{said}"
        );
    }
}

#[test]
fn reset_signs_in_again_in_the_same_write_and_what_follows_waits() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        let up = bench.client(&(request("MULTI") + &request("RESET") + &request("GET a")));
        let expected = request("MULTI") + &request("DISCARD") + &request("RESET") + &auth(1);
        assert!(up.starts_with(&expected) && !up.contains("GET"), "{up}");
        let nonce = up[up.len() - 34..].trim_end().to_owned();
        assert_eq!(bench.server("+OK\r\n+OK\r\n+RESET\r\n+OK\r\n"), "+OK\r\n+RESET\r\n");
        bench.server(&format!("$32\r\n{nonce}\r\n"));
        assert_eq!(bench.up(), request("GET a"));
    }
    let mut bench = Bench::new(64);
    let up = bench.client(&request("RESET"));
    let nonce = up[up.len() - 34..].trim_end().to_owned();
    bench.server(&format!("+RESET\r\n{WRONGPASS}$32\r\n{nonce}\r\n"));
    assert_eq!(bench.ended(), Some(By::Upstream), "it has no user any more");
}

#[test]
fn after_reset_the_local_password_is_awaited_as_at_the_beginning() {
    let reset = "-ERR unknown command 'RESET', with args beginning with: \r\n";
    for answer in ["+RESET\r\n", reset] {
        let mut bench = Bench::unconnected(64, Some("s3cret"));
        assert!(matches!(bench.session.take_deeds()[..], [Deed::AwaitPassword]));
        bench.client(&request("AUTH s3cret"));
        bench.session.attach(credentials(1));
        bench.client(&request("RESET"));
        assert!(bench.session.take_deeds().is_empty());
        bench.server(answer);
        assert!(matches!(bench.session.take_deeds()[..], [Deed::AwaitPassword]), "{answer}");
        assert!(!bench.session.is_admitted());
    }
    let mut bench = Bench::new(64);
    bench.client(&request("RESET"));
    bench.server("+RESET\r\n");
    assert!(bench.session.take_deeds().is_empty() && bench.session.is_admitted(), "there is none");
}

#[test]
fn where_there_is_no_reset_it_is_played() {
    let mut bench = Bench::new(64);
    bench.client("HELLO 3\r\n");
    bench.server("%0\r\n");
    bench.client(&request("SUBSCRIBE a"));
    bench.server(">3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    let up = bench.client(&(request("RESET") + &request("GET a")));
    let nonce = up[up.len() - 34..].trim_end().to_owned();
    assert_eq!(bench.server("-ERR unknown command 'RESET', with args beginning with: \r\n"), "+RESET\r\n");
    assert_eq!(bench.up(), request("UNWATCH") + &request("UNSUBSCRIBE") + &request("SELECT 0"));
    bench.server(&format!("+OK\r\n$32\r\n{nonce}\r\n+OK\r\n"));
    assert_eq!(bench.server(">3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+OK\r\n"), "");
    assert_eq!(bench.up(), request("HELLO 2"));
    assert_eq!(bench.server("*0\r\n"), "");
    assert_eq!(bench.up(), request("GET a"));
}

#[test]
fn a_command_that_waits_is_ended_and_sent_again_behind_its_auth() {
    for told_first in [true, false] {
        let mut bench = Bench::new(4096);
        let up = bench.client(&(request("XREAD BLOCK 0 STREAMS s $") + &request("INCR n")));
        assert_eq!(up, request("CLIENT ID") + &request("XREAD BLOCK 0 STREAMS s $"), "nothing is behind it");
        assert_eq!((bench.renew(2), bench.server(":7\r\n")), (None, String::new()));
        let deeds = bench.session.take_deeds();
        assert!(
            matches!(&deeds[..], [Deed::Unblock { id: 7, streams }] if streams == &[b"s".to_vec()]),
            "{deeds:?}"
        );
        let told = Some(UnblockAnswer { was_ended: true, newest: vec![b"5-1".to_vec()] });
        if told_first {
            bench.session.take_unblock_answer(told.clone(), bench.now);
        }
        assert_eq!(bench.server("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n"), "");
        if !told_first {
            assert_eq!(bench.up(), "");
            bench.session.take_unblock_answer(told, bench.now);
        }
        let up = bench.up();
        assert!(up.starts_with(&auth(2)) && up.ends_with(&request("XREAD BLOCK 0 STREAMS s 5-1")), "{up}");
        let nonce = &up[up.find("$32\r\n").unwrap() + 5..][..32];
        assert_eq!(bench.server(&format!("+OK\r\n$32\r\n{nonce}\r\n*-1\r\n")), "*-1\r\n");
        assert_eq!(bench.up(), request("INCR n"));
    }
}

#[test]
fn an_element_that_came_first_is_the_answer_and_somebody_elses_unblock_is_the_clients() {
    let unblocked = "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n";
    let not_ended = Some(UnblockAnswer { was_ended: false, newest: Vec::new() });
    for (told, answer) in
        [(not_ended.clone(), "*2\r\n+q\r\n+1\r\n"), (not_ended, unblocked), (None, unblocked)]
    {
        for told_first in [true, false] {
            let mut bench = Bench::new(4096);
            bench.client(&(request("BLPOP q 0") + &request("BLPOP p 0")));
            bench.server(":7\r\n");
            assert_eq!(bench.renew(2), None);
            let (mut down, mut up) = (String::new(), String::new());
            for now in [true, false] {
                match now == told_first {
                    true => bench.session.take_unblock_answer(told.clone(), bench.now),
                    false => down += &bench.server(answer),
                }
                down += &bench.down();
                bench.offer();
                up += &bench.up();
            }
            if told.is_none() && told_first {
                assert_eq!((down.as_str(), answer), (unblocked, unblocked));
            }
            assert_eq!(down, answer, "{told:?} first: {told_first}");
            assert!(up.starts_with(&auth(2)) && up.ends_with(&request("BLPOP p 0")), "{up}");
        }
    }
}

#[test]
fn of_commands_that_may_wait_the_server_has_one_at_a_time() {
    let ten_seconds = Arc::new(Credentials::good_for(Duration::from_secs(10), 1, "me", "token1"));
    for piece in pieces() {
        let mut bench = Bench::unconnected(piece, None);
        bench.session.attach(ten_seconds.clone());
        let plain = request("XREAD COUNT 1 STREAMS s 0") + &request("BLPOP q x") + &request("INCR n");
        let up = bench.client(&(request("BLPOP q 7") + &plain + &request("BLPOP q 6") + &request("PING")));
        assert_eq!(up, request("BLPOP q 7") + &plain, "only what waits has to");
        assert!(bench.session.is_held());
        assert_eq!(bench.server("*-1\r\n"), "*-1\r\n");
        assert_eq!(bench.up(), request("BLPOP q 6") + &request("PING"));
        let rest = "*0\r\n-ERR timeout is not a float or out of range\r\n:1\r\n*-1\r\n+PONG\r\n";
        assert_eq!(bench.server(rest), rest);
        assert!(!bench.session.is_held() && !bench.session.owes());
    }
    // For the second one CLIENT UNBLOCK would meet the first.
    let mut bench = Bench::new(4096);
    assert_eq!(bench.client(&(request("BLPOP q 7") + &request("BLPOP p 0"))), request("BLPOP q 7"));
    assert!(bench.renew(2).is_some(), "behind the first one");
    assert!(bench.session.take_deeds().is_empty());
    let inside = request("MULTI") + &request("BLPOP q 1") + &request("BLPOP q 0") + &request("EXEC");
    assert_eq!(Bench::new(4096).client(&inside), inside, "inside a transaction nothing waits");
}

#[test]
fn while_an_unblock_is_under_way_it_can_meet_no_other_command() {
    let mut bench = Bench::new(4096);
    bench.client(&request("BLPOP q 0"));
    bench.server(":7\r\n");
    bench.renew(2);
    bench.server("*-1\r\n");
    assert!(bench.up().starts_with(&auth(2)));
    assert_eq!(bench.client(&request("BLPOP q 1")), "");
    bench
        .session
        .take_unblock_answer(Some(UnblockAnswer { was_ended: false, newest: Vec::new() }), bench.now);
    bench.offer();
    assert_eq!(bench.up(), request("BLPOP q 1"));
}

#[test]
fn quit_nonsense_and_browsers_end_it_after_what_is_owed() {
    for (said, last_words, by) in [
        ("QUIT\r\nGET b\r\n", "+OK\r\n", By::Client),
        ("*1\r\n$4\r\nquit\r\n", "+OK\r\n", By::Client),
        ("*1\r\n!4\r\n", "-ERR Protocol error: expected '$', got '!'\r\n", By::Client),
        ("SET \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n", By::Client),
        ("*2\r\n$3\r\nGET\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n", By::Client),
        ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\nFLUSHALL\r\n", "", By::Client),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n", "", By::Client),
        ("OPTIONS * HTTP/1.0\r\n\r\nFLUSHALL\r\n", "", By::Client),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", By::Client),
    ] {
        for piece in pieces() {
            let mut bench = Bench::new(piece);
            bench.client(&request("GET a"));
            let up = bench.client(said);
            assert!(!up.contains("FLUSHALL") && !up.contains("GET b"), "{up}");
            assert_eq!(bench.ended(), None, "something is owed");
            let owed = "$1\r\n1\r\n";
            assert_eq!(bench.server(owed), format!("{owed}{last_words}"), "{said:?}");
            assert_eq!(bench.ended(), Some(by));
        }
    }
}

#[test]
fn for_a_browser_no_connection_is_made_and_nothing_is_said() {
    for said in ["GET / HTTP/1.1\r\nHost: localhost:6379\r\n", "POST / HTTP/1.1\r\n"] {
        for piece in pieces() {
            let mut bench = Bench::unconnected(piece, None);
            assert_eq!((bench.client(said), bench.down()), (String::new(), String::new()));
            assert_eq!(bench.ended(), Some(By::Client), "{said:?}");
            assert!(!bench.session.wants_upstream());
        }
    }
    let mut bench = Bench::new(64);
    assert_eq!(bench.client("GET HTTP/1.1\r\nset a HTTP/1.1\r\n"), "GET HTTP/1.1\r\nset a HTTP/1.1\r\n");
}

#[test]
fn a_client_that_is_set_to_tls_does_not_wait_for_an_answer() {
    let mut bench = Bench::unconnected(64, None);
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    assert_eq!(bench.session.take_from_client(&hello[..1], bench.now), 0);
    assert_eq!(bench.session.take_from_client(hello, bench.now), hello.len());
    let ended = bench.session.end().unwrap();
    assert!(ended.by == By::Client && ended.why.contains("set the client to plain Redis"), "{ended}");
    assert_eq!((bench.up(), bench.down()), (String::new(), String::new()));
}

/// Redis 7 signs in with each of them in turn, Redis 8 with the last one.
#[test]
fn of_several_passwords_in_a_hello_each_has_to_be_right() {
    let hello = |first, last| request(&format!("HELLO 3 AUTH default {first} AUTH default {last}"));
    for (said, admitted) in [
        (hello("wrong", "s3cret"), false),
        (hello("s3cret", "wrong"), false),
        (hello("s3cret", "s3cret"), true),
    ] {
        let mut bench = Bench::unconnected(64, Some("s3cret"));
        bench.client(&said);
        assert_eq!(bench.session.is_admitted(), admitted, "{said}");
    }
}

/// What redis-server 7.0.15 says before it has the whole request, and what of it says that no client has sent it.
#[test]
fn an_error_of_the_server_about_half_a_request_is_the_clients() {
    let error = "-ERR Protocol error: invalid multibulk length\r\n";
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&(request("GET a") + "*1048577\r\n$4\r\nPING\r\n"));
        assert_eq!(bench.server(&format!("$-1\r\n{error}")), format!("$-1\r\n{error}"));
        assert_eq!(bench.ended(), Some(By::Upstream));
        let why = &bench.session.end().unwrap().why;
        assert!(why.contains("Protocol error: invalid multibulk length"), "{why}");
    }
    for half in ["", "*2\r\n$4\r\nAUTH\r\n$5\r\nhalf"] {
        let mut bench = Bench::new(4096);
        bench.client(half);
        assert_eq!(bench.server(error), "", "the server has nothing of {half:?}");
        assert_eq!(bench.ended(), Some(By::Upstream));
    }
    let mut bench = Bench::new(4096);
    bench.client("*3\r\n$3\r\nSET\r\n");
    assert_eq!(bench.server("+OK\r\n"), "", "no error");
    assert_eq!(bench.ended(), Some(By::Upstream));
}

#[test]
fn replicas_and_maintenance_notifications_are_refused() {
    let mut bench = Bench::new(9);
    let asked =
        ["SYNC", "psync ? -1", "REPLCONF ack 1", "CLIENT MAINT_NOTIFICATIONS ON"].map(request).concat();
    assert_eq!(bench.client(&asked), "");
    let down = bench.down();
    assert_eq!(down.matches("-ERR").count(), 4);
    assert!(down.ends_with("-ERR unknown subcommand 'MAINT_NOTIFICATIONS'. Try CLIENT HELP.\r\n"), "{down}");
}

#[test]
fn who_watches_everything_gets_it_between_its_answers() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&(request("MONITOR") + &request("PING")));
        let line = "+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"\r\n";
        let all = format!("+OK\r\n{line}+PONG\r\n{line}");
        assert_eq!(bench.server(&all), all);
        let nonce = bench.renew(2).expect("it is allowed");
        assert_eq!(bench.server(&format!("{line}+OK\r\n{line}$32\r\n{nonce}\r\n{line}")), line.repeat(3));
    }
}

#[test]
fn a_pipeline_without_end_is_not_taken_without_end() {
    let mut bench = Bench::new(4096);
    for _ in 0..10_000 {
        bench.client(&(request("CLIENT REPLY SKIP") + &request("PING") + &request("PING")));
    }
    assert!(bench.session.is_held() && !bench.from_client.is_empty());
}

#[test]
fn an_unblock_that_has_met_nothing_is_tried_again() {
    let mut bench = Bench::new(4096);
    bench.client(&request("BLPOP q 0"));
    bench.server(":7\r\n");
    assert_eq!((bench.renew(2), bench.session.take_deeds().len()), (None, 1));
    // It came before the server had read the command, which waits from now on.
    bench
        .session
        .take_unblock_answer(Some(UnblockAnswer { was_ended: false, newest: Vec::new() }), bench.now);
    assert!(bench.session.take_deeds().is_empty(), "not at once");
    assert_eq!(bench.renew(2), None);
    assert!(matches!(bench.session.take_deeds()[..], [Deed::Unblock { id: 7, .. }]));
    bench.server("-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    bench.session.take_unblock_answer(Some(UnblockAnswer { was_ended: true, newest: Vec::new() }), bench.now);
    let up = bench.up();
    assert!(up.starts_with(&auth(2)) && up.ends_with(&request("BLPOP q 0")), "{up}");
}

#[test]
fn a_request_that_has_to_be_whole_is_looked_through_once_however_often_a_piece_of_it_comes() {
    let mut bench = Bench::new(1);
    let whole = request("BLPOP a b c d e f 0");
    let (first, last) = whole.split_at(whole.len() - 3);
    assert_eq!(bench.client(first), "");
    let seen = bench.session.seen.as_ref().map(|seen| seen.length);
    assert!(seen.is_some_and(|length| length + 8 > first.len()), "{seen:?} of {}", first.len());
    assert_eq!(bench.client(last), request("CLIENT ID") + &whole);
    assert!(bench.session.seen.is_none());
}

#[test]
fn whether_a_password_was_read_is_told_once() {
    let mut bench = Bench::new(4096);
    for (said, is_secret) in
        [("AUTH s3cret", true), ("GET a", false), ("HELLO 2 AUTH default s3cret", true), ("PING", false)]
    {
        bench.client(&request(said));
        assert_eq!(bench.session.take_secret(), is_secret, "{said}");
        assert!(!bench.session.take_secret());
    }
    assert!(Bench::unconnected(64, None).session.take_secret(), "it may begin with one");
}

#[test]
fn a_channel_that_the_server_takes_away_confirms_no_other_ones_end() {
    for piece in pieces() {
        let mut bench = Bench::new(piece);
        bench.client(&request("SSUBSCRIBE {a}1 {a}2"));
        bench.server("%0\r\n");
        let push = |kind: &str, channel: &str, left: u8| {
            format!(">3\r\n${}\r\n{kind}\r\n$4\r\n{channel}\r\n:{left}\r\n", kind.len())
        };
        bench.server(&(push("ssubscribe", "{a}1", 1) + &push("ssubscribe", "{a}2", 2)));
        let asked = request("SUNSUBSCRIBE {a}1") + &request("GET a");
        assert_eq!(bench.client(&asked), request("SUNSUBSCRIBE {a}1"));
        let unasked = push("sunsubscribe", "{a}2", 1);
        assert_eq!(bench.server(&unasked), unasked.replacen('>', "*", 1));
        let confirmed = push("sunsubscribe", "{a}1", 0);
        assert_eq!(bench.server(&confirmed), confirmed.replacen('>', "*", 1), "and GET is not refused");
        assert_eq!(bench.up(), request("HELLO 2"));
        bench.server("*0\r\n");
        assert_eq!(bench.up(), request("GET a"));
    }
}
