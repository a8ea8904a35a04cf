//! Random sequences of commands, directly and through a proxy that authenticates every few milliseconds: the same bytes.
//! `scripts/check/proxy-servers.sh` has it done against newer servers too.

use super::server::Server;
use super::{Client, OFTEN, PATIENCE, direct, emulated, proxy, through};
use crate::{Proxy, wire};
use fastrand::Rng;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::sleep;

/// What one connection is in, as far as it decides what may come next.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Normal,
    /// RESP2 and subscribed.
    Subscribed,
}

/// What is done in one step, on both servers alike.
enum Step {
    /// These bytes are sent.
    Send(Vec<u8>),
    /// Something else publishes.
    Publish(&'static str),
    /// A command that waits, with others behind it, and what ends it.
    Wait(Vec<u8>, &'static str),
}

fn command(line: &str) -> Vec<u8> {
    wire::request(&line.split(' ').collect::<Vec<_>>())
}

const PLAIN: &[&str] = &[
    "SET a 1",
    "GET a",
    "INCR n",
    "GET nothing",
    "LPUSH l 1 2 3",
    "LRANGE l 0 -1",
    "LPOP l",
    "LPOP l 1",
    "LPOP none 1",
    "HSET h f v g w",
    "HGETALL h",
    "HRANDFIELD h 0",
    "SADD s a",
    "SMEMBERS s",
    "SISMEMBER s a",
    "ZADD z 1.5 a 2 b",
    "ZRANGE z 0 -1 WITHSCORES",
    "ZSCORE z a",
    "ZPOPMIN none",
    "XADD x 1-* f v",
    "XLEN x",
    "TYPE a",
    "EXISTS a b",
    "INCR l",
    "WRONG command",
    "GET",
    "SELECT 1",
    "SELECT 0",
    "SELECT 99",
    "CLIENT SETNAME me",
    "CLIENT GETNAME",
    "CLIENT NO-EVICT on",
    "CLIENT TRACKINGINFO",
    "CLIENT CACHING YES",
    "ASKING",
    "READONLY",
    "ECHO hello",
    "PING",
    "PING x",
    "DEBUG PROTOCOL string",
    "DEBUG PROTOCOL double",
    "DEBUG PROTOCOL null",
    "DEBUG PROTOCOL array",
    "DEBUG PROTOCOL set",
    "DEBUG PROTOCOL map",
    "DEBUG PROTOCOL attrib",
    "DEBUG PROTOCOL verbatim",
    "DEBUG PROTOCOL true",
    "DEBUG PROTOCOL bignum",
    "EVAL return{1,{2,ARGV[1]},false,redis.status_reply(ARGV[1])} 0 fine",
    "OBJECT ENCODING a",
    "WATCH a",
    "UNWATCH",
    "EXEC",
    "DISCARD",
    "AUTH 11111111-2222-3333-4444-555555555555 the-first-token",
    "XREAD STREAMS x 0",
    "BLPOP l 0.002",
    "WAIT 0 1",
    "DEL a l x",
    "CLIENT REPLY maybe",
    "MULTI x",
    "HELLO x",
    "UNSUBSCRIBE",
    "UNSUBSCRIBE c d",
    "SUBSCRIBE",
    "PUNSUBSCRIBE p",
];
const IN_MULTI: &[&str] = &[
    "SET a 1",
    "INCR n",
    "LPUSH l 1",
    "LRANGE l 0 -1",
    "WRONG",
    "PING",
    "BLPOP none 0",
    "MULTI",
    "WATCH a",
    "INCR l",
];
const SUBSCRIBED: &[&str] = &[
    "SUBSCRIBE c",
    "SUBSCRIBE c d e",
    "SUBSCRIBE c c",
    "PSUBSCRIBE p* q*",
    "SSUBSCRIBE s",
    "UNSUBSCRIBE c",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "SUNSUBSCRIBE",
    "SUNSUBSCRIBE s",
    "PING",
    "PING x",
    "GET a",
    "SET a 2",
    "CLIENT GETNAME",
    "UNWATCH",
    "SUBSCRIBE",
    "AUTH 11111111-2222-3333-4444-555555555555 the-first-token",
    "HELLO 3",
    "PUNSUBSCRIBE q* zz",
];

fn pick(random: &mut Rng, from: &[&'static str]) -> &'static str {
    from[random.usize(..from.len())]
}

/// Pipelines, some of them as text.
fn lines(random: &mut Rng, from: &[&'static str]) -> Vec<u8> {
    let count = random.usize(1..6);
    let mut line = || {
        let line = pick(random, from);
        if random.u8(..6) == 0 { format!("{}\r\n", line.to_lowercase()).into_bytes() } else { command(line) }
    };
    (0..count).flat_map(|_| line()).collect()
}

/// What is told of a server that has no DEBUG, scripts, streams, sorted sets and `CLIENT REPLY`, and where nobody is let in
/// without a token: what the proxy does not send on there, or what takes the user away. (HGETALL: its maps are in no order.)
fn is_for_the_emulator(step: &Step) -> bool {
    let has = |bytes: &[u8], text: &str| {
        memchr::memmem::find(&bytes.to_ascii_uppercase(), text.as_bytes()).is_some()
    };
    match step {
        Step::Send(bytes) => {
            let others = ["AUTH", "RESET", "REPLY", "HGETALL", "HELLO X", "HELLO\r\n$1\r\nX"];
            !others.iter().any(|text| has(bytes, text))
        }
        Step::Wait(bytes, _) => has(bytes, "\r\nBLPOP\r\n"), // the others are unknown, or have keys of two slots
        Step::Publish(_) => true,
    }
}

fn step(random: &mut Rng, mode: Mode) -> Step {
    if mode == Mode::Subscribed {
        return match random.u8(..4) {
            0 => Step::Publish(pick(
                random,
                &["PUBLISH c hello", "PUBLISH pq hello", "SPUBLISH s hello", "PUBLISH q  "],
            )),
            _ => Step::Send(lines(random, SUBSCRIBED)),
        };
    }
    Step::Send(match random.u8(..16) {
        0 | 1 => {
            let end = pick(random, &["EXEC", "EXEC", "DISCARD"]);
            [command("MULTI"), lines(random, IN_MULTI), lines(random, PLAIN_IN_MULTI), command(end)].concat()
        }
        2 => [command("WATCH a"), command("MULTI"), command("INCR a"), command("EXEC")].concat(),
        3 => [command("CLIENT REPLY OFF"), lines(random, PLAIN_SILENT), command("CLIENT REPLY ON")].concat(),
        4 => [command("CLIENT REPLY SKIP"), lines(random, PLAIN_SILENT), command("GET a")].concat(),
        5 => command(pick(random, &["HELLO 2", "HELLO 3", "HELLO 3 SETNAME me", "HELLO 4", "HELLO"])),
        6 => command("RESET"),
        7 => lines(random, &["SUBSCRIBE c", "SUBSCRIBE c d", "PSUBSCRIBE p*", "SSUBSCRIBE s"]),
        8 => {
            let behind = lines(random, &["INCR n", "PING", "GET a"]);
            let (wait, end) = [
                ("BLPOP q 0", "LPUSH q 1"),
                ("BRPOP none q 0", "LPUSH q 1"),
                ("BLMOVE q other LEFT LEFT 0", "LPUSH q 1"),
                ("BZPOPMIN zq 0", "ZADD zq 1 a"),
                ("BLMPOP 0 2 none q LEFT", "LPUSH q 1"),
                ("XREAD BLOCK 0 STREAMS xq $", "XADD xq * f v"),
            ][random.usize(..6)];
            return Step::Wait([command("SELECT 0"), command(wait), behind].concat(), end);
        }
        9 => [command("CLIENT TRACKING on"), command("GET a"), command("CLIENT TRACKING off")].concat(),
        _ => lines(random, PLAIN),
    })
}

/// No HELLO, whose answer would be in the middle of EXEC's.
const PLAIN_IN_MULTI: &[&str] =
    &["GET a", "SELECT 0", "CLIENT GETNAME", "DEBUG PROTOCOL map", "XLEN x", "UNWATCH"];
const PLAIN_SILENT: &[&str] =
    &["SET a 1", "GET a", "WRONG", "PING", "MULTI x", "LRANGE l 0 -1", "CLIENT REPLY SKIP"];

/// So many lines are in an answer to HELLO behind its header.
const OF_HELLO: usize = 25;

/// The ids of connections and of entries differ, and the order in which all channels are left, and that of the emulator's maps.
fn comparable(answer: &str) -> String {
    let mut lines: Vec<&str> = answer.split("\r\n").collect();
    for at in 2..lines.len() {
        if lines[at - 2].ends_with("unsubscribe") && lines[at - 1].starts_with('$') {
            lines[at] = "?";
        }
    }
    for at in 1..lines.len() {
        if lines[at - 1] == "id" || lines[at].split_once('-').is_some_and(|(time, _)| time.len() == 13) {
            lines[at] = "?";
        }
    }
    let headers: Vec<_> = (0..lines.len()).filter(|at| ["%7", "*14"].contains(&lines[*at])).collect();
    for at in headers {
        if let Some(fields) = lines.get_mut(at + 1..=at + OF_HELLO)
            && fields.contains(&"proto")
        {
            fields.sort_unstable();
        }
    }
    lines.join("\r\n")
}

/// Both ends of the comparison.
struct Pair<A, B> {
    direct: Client<A>,
    through: Client<B>,
    /// Somebody else, at both servers.
    others: [Client<A>; 2],
    number: u32,
    log: Log,
}

/// What was done; its end is shown if the test fails.
struct Log(u64, Vec<String>);

impl Log {
    fn push(&mut self, line: String) {
        self.1.push(line);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.1.iter().rev().take(10).rev().collect::<Vec<_>>();
            eprintln!("seed {}, after {last:#?}", self.0);
        }
    }
}

impl<A: AsyncRead + AsyncWrite + Unpin, B: AsyncRead + AsyncWrite + Unpin> Pair<A, B> {
    async fn perform(&mut self, step: Step, random: &mut Rng) {
        match step {
            Step::Send(bytes) => self.send(&bytes, random).await,
            Step::Publish(line) => self.by_others(line).await,
            Step::Wait(bytes, end) => {
                self.send(&bytes, random).await;
                self.until_both_wait().await;
                self.by_others(end).await;
            }
        }
        self.compare().await;
    }

    /// The same, cut differently; now and then with a pause, in which an AUTH may want to be sent.
    async fn send(&mut self, bytes: &[u8], random: &mut Rng) {
        self.log.push(bytes.escape_ascii().to_string());
        self.direct.send(bytes).await;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(random.usize(1..=rest.len()));
            self.through.send(piece).await;
            rest = after;
            if random.u8(..3) == 0 {
                sleep(Duration::from_millis(random.u64(1..4))).await;
            }
        }
    }

    async fn by_others(&mut self, line: &'static str) {
        self.log.push(format!("others: {line}"));
        for other in &mut self.others {
            other.send(command(line)).await;
            other.send(command("PING done")).await;
            other.read_to("done\r\n").await;
        }
    }

    async fn until_both_wait(&mut self) {
        let started = Instant::now();
        for other in &mut self.others {
            loop {
                other.send(command("INFO clients")).await;
                other.send(command("CLIENT LIST")).await;
                other.send(command("PING done")).await;
                let said = other.read_to("done\r\n").await;
                // The emulator's INFO does not count them.
                let flags = said.split(" flags=").skip(1).filter_map(|rest| rest.split(' ').next());
                if said.contains("blocked_clients:1") || flags.into_iter().any(|flags| flags.contains('b')) {
                    break;
                }
                assert!(started.elapsed() < PATIENCE, "nobody waits");
            }
        }
    }

    /// A PING is answered in every mode, behind everything else.
    async fn compare(&mut self) {
        self.number += 1;
        let mark = format!("mark-{}", self.number);
        let (ping, end) = (command(&format!("PING {mark}")), format!("{mark}\r\n"));
        self.direct.send(&ping).await;
        self.through.send(&ping).await;
        let direct = comparable(&self.direct.read_to(&end).await);
        self.log.push("direct: answered".to_owned());
        let through = comparable(&self.through.read_to(&end).await);
        assert_eq!(through, direct);
    }

    /// Whether a RESP2 connection is subscribed: then ECHO is not allowed.
    async fn mode(&mut self) -> Mode {
        self.number += 1;
        let text = format!("mode-{}", self.number);
        self.direct.send(command(&format!("ECHO {text}"))).await;
        self.through.send(command(&format!("ECHO {text}"))).await;
        let direct = self.direct.read_to("\r\n").await;
        let through = self.through.read_to("\r\n").await;
        assert_eq!(through, direct);
        if direct.starts_with("-ERR Can't") {
            return Mode::Subscribed;
        }
        assert_eq!(self.direct.read_to("\r\n").await, self.through.read_to("\r\n").await);
        Mode::Normal
    }
}

async fn run(seed: u64, steps: usize, every: Duration) {
    let (open, strict) = (Server::open(), Server::strict());
    let proxy = proxy(&strict).that_authenticates_every(every);
    let mut other = direct(&strict).await;
    other.ask(&format!("AUTH {} {}", super::USER, super::TOKEN)).await;
    let mut random = Rng::with_seed(seed);
    let mut pair = Pair {
        direct: direct(&open).await,
        through: through(&proxy),
        others: [direct(&open).await, other],
        number: 0,
        log: Log(seed, Vec::new()),
    };
    compare_all(&mut pair, &mut random, steps, |_| true, &proxy).await;
}

/// Two emulators, of which one is behind the proxy.
async fn run_emulated(seed: u64, steps: usize, every: Duration) {
    let (one, other) = (emulated::start().await, emulated::start().await);
    let proxy = other.proxy.clone().that_authenticates_every(every);
    let mut random = Rng::with_seed(seed);
    let mut pair = Pair {
        direct: one.signed_in().await,
        through: through(&proxy),
        others: [one.signed_in().await, other.signed_in().await],
        number: 0,
        log: Log(seed, Vec::new()),
    };
    compare_all(&mut pair, &mut random, steps, is_for_the_emulator, &proxy).await;
}

async fn compare_all<A: AsyncRead + AsyncWrite + Unpin, B: AsyncRead + AsyncWrite + Unpin>(
    pair: &mut Pair<A, B>,
    random: &mut Rng,
    steps: usize,
    fits: fn(&Step) -> bool,
    proxy: &Proxy,
) {
    for _ in 0..steps {
        let mode = pair.mode().await;
        let step =
            std::iter::repeat_with(|| step(random, mode)).find(fits).expect("there is no end of steps");
        pair.perform(step, random).await;
    }
    let counts = proxy.observe().counts();
    assert_eq!(counts.reauth[1], ("refused", 0));
    assert!(counts.reauth[0].1 > u64::try_from(steps).unwrap() / 4, "{counts:?}");
}

#[tokio::test]
async fn random_commands_are_answered_through_the_proxy_as_directly() {
    for seed in seeds() {
        run(seed, 150, OFTEN).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_commands_are_answered_through_the_proxy_as_directly_by_the_emulator() {
    for seed in seeds() {
        run_emulated(seed, 150, RARELY).await;
    }
}

/// An emulator checks a signature each time.
const RARELY: Duration = Duration::from_millis(10);

/// Some of them, or those that PROXY_SEEDS names: `7` or `100..200`.
fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("PROXY_SEEDS").unwrap_or_else(|_| "1..4".to_owned());
    let (first, end) = asked.split_once("..").unwrap_or((&asked, ""));
    let first: u64 = first.parse().unwrap();
    first..end.parse().unwrap_or(first + 1)
}
