//! What an AUTH at the wrong moment would break, one by one.

use super::server::Server;
use super::{OFTEN, PATIENCE, TOKEN, USER, direct, provider, proxy, through};
use crate::{LocalPassword, Options, Proxy, Upstream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::net::UnixStream;
use tokio::time::{sleep, timeout};

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
    assert_eq!(other.ask("XGROUP CREATE gs g $ MKSTREAM").await, "+OK\r\n");
    for (wait, end, answer) in [
        ("BLPOP q 0", "LPUSH q 1", "*2\r\n$1\r\nq\r\n$1\r\n1\r\n"),
        ("XREAD BLOCK 0 STREAMS s $", "XADD s 5-5 f v", "$3\r\n5-5\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("XREAD BLOCK 0 STREAMS s $", "XADD s 6-6 f v", "$3\r\n6-6\r\n*2\r\n$1\r\nf\r\n$1\r\nv\r\n"),
        ("XREADGROUP GROUP g c BLOCK 0 STREAMS gs >", "XADD gs 7-7 f v", "$3\r\n7-7\r\n*2\r\n"),
        ("BRPOPLPUSH q other 0", "LPUSH q 1", "$1\r\n1\r\n"),
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

/// Waits until so many AUTHs more were accepted.
async fn until_authenticated(proxy: &Proxy, more: u64) {
    let accepted = || proxy.observe().counts().reauth[0].1;
    let (before, started) = (accepted(), Instant::now());
    while accepted() < before + more {
        assert!(started.elapsed() < PATIENCE, "no AUTH");
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_key_read_after_client_caching_is_tracked() {
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(Duration::from_millis(1));
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    client.send("HELLO 3\r\nCLIENT TRACKING on OPTIN\r\nPING ready\r\n").await;
    client.read_to("ready\r\n").await;
    for round in 0..30 {
        assert_eq!(client.ask("CLIENT CACHING YES").await, "+OK\r\n");
        sleep(Duration::from_millis(3)).await; // now an AUTH is due, and must not come between
        assert_eq!(client.ask("CLIENT SETNAME me").await, "+OK\r\n"); // nor here
        sleep(Duration::from_millis(3)).await;
        client.send(format!("GET k\r\nPING read-{round}\r\n")).await;
        client.read_to(&format!("read-{round}\r\n")).await;
        assert_eq!(other.ask(&format!("SET k {round}")).await, "+OK\r\n");
        let pushed = client.read_to("$1\r\nk\r\n").await;
        assert_eq!(pushed, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n");
    }
    until_authenticated(&proxy, 3).await;
}

#[tokio::test]
async fn asking_is_for_the_command_behind_it() {
    let (source, target) = (Server::start("--cluster-enabled yes"), Server::start("--cluster-enabled yes"));
    let (mut at_source, mut at_target) = (direct(&source).await, direct(&target).await);
    let id = at_source.ask("CLUSTER MYID").await + &at_source.read_to("\r\n").await;
    let id = id.split("\r\n").nth(1).unwrap().to_owned();
    assert_eq!(at_source.ask("CLUSTER ADDSLOTSRANGE 0 16383").await, "+OK\r\n");
    assert_eq!(at_target.ask(&format!("CLUSTER MEET 127.0.0.1 {}", source.port)).await, "+OK\r\n");
    let started = Instant::now();
    while !at_target.ask("GET k").await.starts_with("-MOVED 7629 ") {
        assert!(started.elapsed() < PATIENCE, "they do not meet");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(at_target.ask(&format!("CLUSTER SETSLOT 7629 IMPORTING {id}")).await, "+OK\r\n");
    let proxy = proxy(&target).that_authenticates_every(Duration::from_millis(1));
    let mut client = through(&proxy);
    for _ in 0..30 {
        assert_eq!(client.ask("ASKING").await, "+OK\r\n");
        sleep(Duration::from_millis(3)).await; // now an AUTH is due
        assert_eq!(client.ask("GET k").await, "$-1\r\n");
        assert!(client.ask("GET k").await.starts_with("-MOVED 7629 "));
        assert_eq!(client.ask("ASKING").await, "+OK\r\n");
        client.send("SSUBSCRIBE k\r\n").await;
        assert_eq!(client.read_to(":1\r\n").await, "*3\r\n$10\r\nssubscribe\r\n$1\r\nk\r\n:1\r\n");
        client.send("SUNSUBSCRIBE\r\n").await;
        assert_eq!(client.read_to(":0\r\n").await, "*3\r\n$12\r\nsunsubscribe\r\n$1\r\nk\r\n:0\r\n");
    }
    until_authenticated(&proxy, 3).await;
}

#[tokio::test]
async fn a_refused_auth_changes_nothing_but_what_the_provider_knows() {
    for may_echo in [true, false] {
        let server = Server::strict();
        let proxy = proxy(&server).that_authenticates_every(OFTEN);
        let (mut client, mut other) = (through(&proxy), other(&server).await);
        if !may_echo {
            assert_eq!(other.ask(&format!("ACL SETUSER {USER} -echo")).await, "+OK\r\n");
        }
        assert_eq!(client.ask("WATCH k").await, "+OK\r\n");
        until_authenticated(&proxy, 3).await;
        assert_eq!(other.ask(&format!("ACL SETUSER {USER} resetpass >another-token")).await, "+OK\r\n");
        let (refused, started) = (|| proxy.observe().counts().reauth[1].1, Instant::now());
        while refused() < 3 {
            assert_eq!(client.ask("PING").await, "+PONG\r\n");
            assert!(started.elapsed() < PATIENCE, "no refusal");
        }
        assert_eq!(other.ask("SET k 1").await, "+OK\r\n");
        client.send("MULTI\r\nPING\r\nEXEC\r\n").await;
        assert_eq!(client.read_to("*-1\r\n").await, "+OK\r\n+QUEUED\r\n*-1\r\n", "it is still watched");
        let rejections = proxy.shared.provider.status().counters.auth_rejections;
        assert!(rejections.values().sum::<u64>() >= 3, "{rejections:?}");
        assert_eq!(other.ask(&format!("ACL SETUSER {USER} >{TOKEN}")).await, "+OK\r\n");
        until_authenticated(&proxy, 2).await;
        assert_eq!(client.ask("PING").await, "+PONG\r\n");
    }
}

#[tokio::test]
async fn a_subscriber_hears_everything_in_order_however_often_it_is_authenticated() {
    const MESSAGES: u32 = 3_000;
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(Duration::from_millis(1));
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    client.send("SUBSCRIBE c\r\n").await;
    client.read_to(":1\r\n").await;
    for number in 0..MESSAGES {
        other.send(format!("PUBLISH c {number}\r\n")).await;
        if number % 100 == 0 {
            sleep(Duration::from_millis(2)).await;
        }
    }
    for number in 0..MESSAGES {
        let text = number.to_string();
        let expected = format!("*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n${}\r\n{text}\r\n", text.len());
        assert_eq!(client.read_to(&expected).await, expected);
    }
    until_authenticated(&proxy, 3).await;
}

#[tokio::test]
async fn who_watches_everything_is_told_of_it_and_answered() {
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(OFTEN);
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    assert_eq!(client.ask("MONITOR").await, "+OK\r\n");
    assert_eq!(other.ask("SET a 1").await, "+OK\r\n");
    assert!(client.read_to("\"SET\" \"a\" \"1\"\r\n").await.starts_with('+'));
    until_authenticated(&proxy, 3).await;
    client.send("PING answered\r\n").await;
    client.read_to("$8\r\nanswered\r\n").await;
    client.send("RESET\r\nGET a\r\n").await;
    client.read_to("+RESET\r\n$1\r\n1\r\n").await;
}

#[test]
fn a_connection_that_is_idle_is_small() {
    let upstream = Upstream::plaintext("127.0.0.1", 6379).unwrap();
    let proxy = Proxy::new(upstream, provider(TOKEN), Options::default());
    let (client, _) = duplex(64);
    let size = size_of_val(&proxy.serve(client, None));
    assert!(size < 8 * 1024, "{size} bytes, without buffers: an idle one has none");
}

#[tokio::test]
async fn either_end_ends_both() {
    let server = Server::strict();
    let proxy = proxy(&server);
    let mut other = other(&server).await;
    let mut client = through(&proxy);
    client.send("PING ready\r\nBLPOP q 0\r\n").await;
    client.read_to("ready\r\n").await;
    until_one_waits(&mut other).await;
    drop(client); // while it waits
    let started = Instant::now();
    while proxy.observe().counts().connections[1].1 > 0 {
        assert!(started.elapsed() < PATIENCE, "a client that has gone is not noticed");
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(other.ask("LPUSH q 1").await, ":1\r\n", "nobody waits for it any more");
    let mut client = through(&proxy);
    client.send("PING\r\nGET half").await;
    client.read_to("+PONG\r\n").await;
    drop(server);
    assert_eq!(client.read_to_end().await, "");
    let mut late = through(&proxy);
    late.send("PING\r\n").await;
    let said = late.read_to_end().await;
    assert!(
        said.starts_with("-ERR entrakey proxy: 127.0.0.1:") && said.contains("no TCP connection"),
        "{said}"
    );
}

#[tokio::test]
async fn a_client_that_has_closed_still_gets_what_it_is_owed() {
    use tokio::io::AsyncWriteExt as _;
    let server = Server::strict();
    let proxy = proxy(&server);
    let mut client = through(&proxy);
    client.send("SET a 1\r\nGET a\r\nRESET\r\nGET a\r\n").await; // as `printf … | nc -N`
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.read_to_end().await, "+OK\r\n$1\r\n1\r\n+RESET\r\n$1\r\n1\r\n");
    for _ in 0..20 {
        let mut client = through(&proxy);
        let value = "x".repeat(1 << 20);
        client
            .send(format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${}\r\n{value}\r\nSTRLEN big\r\n", value.len()))
            .await;
        client.stream.shutdown().await.unwrap();
        assert_eq!(client.read_to_end().await, "+OK\r\n:1048576\r\n");
    }
    let mut client = through(&proxy);
    client.send("GET big\r\nQUIT\r\n").await; // the server closes, and the client reads slowly
    sleep(Duration::from_millis(20)).await;
    assert_eq!(client.read_to_end().await.len(), "$1048576\r\n\r\n+OK\r\n".len() + (1 << 20));
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_the_server_down_and_not_memory_up() {
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(OFTEN);
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    assert_eq!(other.ask("SETRANGE big 999999 x").await, ":1000000\r\n");
    client.send("GET big\r\n".repeat(20)).await;
    client.send("PING end\r\n").await;
    let started = Instant::now();
    while proxy.observe().counts().bytes[1].1 == 0 {
        assert!(started.elapsed() < PATIENCE, "nothing comes");
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_millis(50)).await; // longer than it would need to fill any buffer
    let down = proxy.observe().counts().bytes[1].1;
    assert!(down <= 64 * 1024, "{down} bytes were sent to somebody who does not read");
    client.read_to("$3\r\nend\r\n").await;
}

#[tokio::test]
async fn a_server_that_does_not_read_slows_the_client_down_and_not_memory_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::plaintext("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    let proxy = Proxy::new(upstream, provider(TOKEN), Options::default());
    let mut client = through(&proxy);
    let sent = Arc::new(AtomicUsize::new(0));
    let sending = tokio::spawn({
        let sent = sent.clone();
        async move {
            client.send("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$1073741824\r\n").await;
            loop {
                sent.fetch_add(client.stream.write(&[b'x'; 16 * 1024]).await.unwrap(), Relaxed);
            }
        }
    });
    let (mut server, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let mut auth = vec![0; 1024];
    assert!(server.read(&mut auth).await.unwrap() > 0);
    server.write_all(b"+OK\r\n").await.unwrap();
    let (mut before, started) = (usize::MAX, Instant::now());
    while before != sent.load(Relaxed) || before == 0 {
        assert!(started.elapsed() < PATIENCE, "it is taken without end");
        before = sent.load(Relaxed);
        sleep(Duration::from_millis(50)).await; // longer than it would need to fill any buffer
    }
    let passed = usize::try_from(proxy.observe().counts().bytes[0].1).unwrap();
    let kept = sent.load(Relaxed).saturating_sub(passed); // 64 KiB of it in the client's own buffer
    assert!(kept <= 128 * 1024, "{kept} bytes wait in the proxy for somebody who does not read");
    sending.abort();
}

#[tokio::test]
async fn the_auth_of_a_client_that_does_not_read_is_sent_and_run() {
    let server = Server::strict();
    let proxy = proxy(&server).that_authenticates_every(Duration::from_millis(300));
    let (mut client, mut other) = (through(&proxy), other(&server).await);
    assert_eq!(other.ask("SETRANGE big 999999 x").await, ":1000000\r\n");
    client.send("GET big\r\n".repeat(20)).await;
    let started = Instant::now();
    // One more than what both have begun with and what was answered.
    while auths(&mut other).await != 2 + proxy.observe().counts().reauth[0].1 + 1 {
        assert!(started.elapsed() < PATIENCE, "no AUTH");
        sleep(Duration::from_millis(5)).await;
    }
}

/// How many AUTHs the server has run.
async fn auths(other: &mut super::Client<tokio::net::TcpStream>) -> u64 {
    other.send("INFO commandstats\r\nPING done\r\n").await;
    let said = other.read_to("done\r\n").await;
    let calls = said.split_once("cmdstat_auth:calls=").unwrap().1.split(',').next();
    calls.unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_client_that_goes_while_its_connection_is_made_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::plaintext("127.0.0.1", silent.local_addr().unwrap().port()).unwrap();
    let upstream = upstream.with_connect_timeout(Duration::from_secs(3600));
    let proxy = Proxy::new(upstream, provider(TOKEN), Options::default());
    let (mut client, theirs) = duplex(1024);
    let served = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.serve(theirs, None).await }
    });
    client.write_all(b"PING\r\n").await.unwrap();
    let (mut server, _) = timeout(PATIENCE, silent.accept()).await.unwrap().unwrap();
    drop(client);
    timeout(PATIENCE, served).await.expect("an end").unwrap();
    let mut asked = Vec::new();
    timeout(PATIENCE, server.read_to_end(&mut asked)).await.expect("closed").unwrap();
    assert!(asked.starts_with(b"*3\r\n$4\r\nAUTH"), "the server was reached");
}

#[tokio::test]
async fn a_client_that_goes_behind_a_command_that_waits_is_noticed_however_much_it_has_sent() {
    let server = Server::strict();
    let (proxy, mut other) = (proxy(&server), other(&server).await);
    let (mut client, theirs) = UnixStream::pair().unwrap();
    let served = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.serve(theirs, None).await }
    });
    client.write_all(b"BLPOP q 0\r\n").await.unwrap();
    until_one_waits(&mut other).await;
    client.write_all(&b"PING\r\n".repeat(10_000)).await.unwrap();
    drop(client);
    let ended = timeout(PATIENCE, served).await.expect("an end").unwrap();
    assert!(!ended.is_failure && ended.to_string().contains("The client has closed"), "{ended}");
    assert_eq!(other.ask("LPUSH q 1").await, ":1\r\n");
}

#[tokio::test]
async fn what_a_client_has_sent_behind_a_command_that_waits_is_read_and_answered_after_it_has_closed_its_half()
 {
    let server = Server::strict();
    let (proxy, mut other) = (proxy(&server), other(&server).await);
    let (mut client, theirs) = UnixStream::pair().unwrap();
    let served = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.serve(theirs, None).await }
    });
    client.write_all(b"BLPOP q 0\r\n").await.unwrap();
    until_one_waits(&mut other).await;
    client.write_all(&b"PING\r\n".repeat(10_000)).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(other.ask("LPUSH q 1").await, ":1\r\n");
    let mut answers = Vec::new();
    timeout(PATIENCE, client.read_to_end(&mut answers)).await.expect("an end").unwrap();
    let expected = format!("*2\r\n$1\r\nq\r\n$1\r\n1\r\n{}", "+PONG\r\n".repeat(10_000));
    assert!(answers == expected.as_bytes(), "{} bytes of {}", answers.len(), expected.len());
    let ended = timeout(PATIENCE, served).await.expect("an end").unwrap();
    assert!(ended.had_server && !ended.is_failure, "{ended}");
}

#[tokio::test]
async fn a_local_password_lets_in_by_hello_who_the_same_password_of_a_redis_lets_in() {
    let server = Server::start("--user default on >s3cret ~* &* +@all");
    let upstream = Upstream::plaintext("127.0.0.1", server.port).unwrap();
    let password = Some(LocalPassword::new("s3cret".to_owned().into()));
    let proxy = Proxy::new(upstream, provider(TOKEN), Options { password, ..Options::default() });
    for hello in [
        "HELLO 9 AUTH default s3cret",
        "HELLO x AUTH default s3cret",
        "HELLO 03 AUTH default s3cret",
        "HELLO AUTH default s3cret",
        "HELLO 9 AUTH default wrong",
        "HELLO 3 AUTH default wrong",
        "HELLO 3 AUTH default",
        "HELLO 9 FOO",
    ] {
        let (mut direct, mut through) = (direct(&server).await, through(&proxy));
        for line in [hello, "PING"] {
            assert_eq!(through.ask(line).await, direct.ask(line).await, "{line} after {hello}");
        }
    }
    // The password is right: Redis 7 and the proxy let in by it, Redis 8 when the rest is right too.
    for hello in ["HELLO 3 AUTH default s3cret FOO", "HELLO 3 AUTH default s3cret SETNAME"] {
        let (mut direct, mut through) = (direct(&server).await, through(&proxy));
        assert_eq!(through.ask(hello).await, direct.ask(hello).await, "{hello}");
    }
}

/// The clock stands still while anything happens, and runs when everybody waits.
#[tokio::test(start_paused = true)]
async fn a_client_that_has_closed_its_half_may_read_as_slowly_as_it_likes_but_not_stop() {
    let upstream = Upstream::plaintext("127.0.0.1", 1).unwrap();
    let proxy = Proxy::new(upstream, provider(TOKEN), Options::default());
    for stops in [false, true] {
        let (client, theirs) = duplex(1024);
        let served = tokio::spawn({
            let proxy = proxy.clone();
            async move { proxy.serve(theirs, None).await }
        });
        let (mut reads, mut writes) = tokio::io::split(client);
        let sending = async {
            writes.write_all(&b"AUTH x\r\n".repeat(4_000)).await.unwrap();
            writes.shutdown().await.unwrap();
        };
        let reading = async {
            let (mut count, mut piece) = (0, [0; 1000]);
            loop {
                sleep(Duration::from_secs(if stops && count > 15_000 { 20 } else { 3 })).await;
                match reads.read(&mut piece).await.unwrap() {
                    0 => break count,
                    more => count += more,
                }
            }
        };
        let ((), count) = tokio::join!(sending, reading);
        let all = "+OK\r\n".len() * 4_000;
        assert!(if stops { count < all } else { count == all }, "{count} of {all}");
        assert!(!served.await.unwrap().had_server);
    }
}

/// The clock stands still while anything happens, and runs when everybody waits.
#[tokio::test(start_paused = true)]
async fn who_does_not_give_the_password_in_time_is_let_go_and_who_has_given_it_is_not() {
    let password = Some(LocalPassword::new("s3cret".to_owned().into()));
    let upstream = Upstream::plaintext("127.0.0.1", 1).unwrap();
    let proxy = Proxy::new(upstream, provider(TOKEN), Options { password, ..Options::default() });
    let (mut silent, mut asking, mut admitted) = (through(&proxy), through(&proxy), through(&proxy));
    let started = tokio::time::Instant::now();
    assert!(asking.ask("PING").await.starts_with("-NOAUTH "));
    assert_eq!(admitted.ask("AUTH s3cret").await, "+OK\r\n");
    assert_eq!(silent.stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(asking.stream.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(started.elapsed().as_secs(), 60);
    assert_eq!(admitted.ask("AUTH s3cret").await, "+OK\r\n");
    let refused = proxy.observe().counts().refused;
    assert!(refused.contains(&("no_password", 2)) && refused.contains(&("password", 0)), "{refused:?}");
}
