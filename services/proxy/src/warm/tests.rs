//! Against a server in the test's hand.

use super::*;
use crate::{Options, Upstream};
use entrakey_core::{Config, Provider};
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

/// A server's end of a connection, which reads an AUTH and answers it, if it does.
async fn take_auth(stream: &mut TcpStream, answer: &str) {
    let mut said = Vec::new();
    let read = async {
        while !said.ends_with(b"\r\n") || memchr::memchr_iter(b'\n', &said).count() < 7 {
            assert!(stream.read_buf(&mut said).await.unwrap() > 0);
        }
    };
    timeout(Duration::from_secs(20), read).await.expect("an AUTH");
    stream.write_all(answer.as_bytes()).await.unwrap();
}

const OK: &str = "+OK\r\n";
const WRONGPASS: &str = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

/// A server in the test's hand, and a proxy with another token each time that it is asked for one.
async fn server() -> (TcpListener, Arc<Shared>, Provider) {
    let mut config = Config::new();
    config.on_token_request(|request| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let end = u64::try_from(now.as_millis()).unwrap() + 3_600_000;
        let token = Zeroizing::new(format!("token-{}", fastrand::u64(..)));
        request.complete_as("oid".to_owned(), token, Some(end));
    });
    config.set("min_request_interval_ms", "250").unwrap();
    let provider = Provider::new(&config).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::plaintext("127.0.0.1", listener.local_addr().unwrap().port()).unwrap();
    let shared = Proxy::new(upstream, provider.clone(), Options::default()).shared;
    (listener, shared, provider)
}

/// Fetches another token, and tells those that are ready of it, as happens at a moment of their own.
async fn renew(provider: &Provider, shared: &Shared) {
    let next = provider.version() + 1;
    provider.refresh().unwrap();
    let renewed = async {
        while provider.version() < next {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_secs(20), renewed).await.expect("another token");
    shared.pool.shelf().ready.iter().for_each(|warm| warm.has_news.store(true, Ordering::Release));
    shared.pool.news.notify_one();
}

/// So many that are ready, and the server's ends of them.
async fn filled(listener: &TcpListener, shared: &Arc<Shared>, count: usize) -> Vec<TcpStream> {
    let filling = tokio::spawn({
        let shared = shared.clone();
        async move { shared.fill(count).await.unwrap() }
    });
    let mut ends = Vec::new();
    for _ in 0..count {
        let (mut end, _) = listener.accept().await.unwrap();
        take_auth(&mut end, OK).await;
        ends.push(end);
    }
    filling.await.unwrap();
    ends
}

#[tokio::test]
async fn none_waits_for_its_token_until_another_one_has_been_answered() {
    let (listener, shared, provider) = server().await;
    let mut ends = filled(&listener, &shared, 2).await;
    renew(&provider, &shared).await;
    let mut tended = JoinSet::new();
    shared.renew_due(&mut tended);
    take_auth(&mut ends[0], "").await;
    take_auth(&mut ends[1], OK).await;
    tended.join_next().await.unwrap().unwrap();
    assert_eq!(tended.len(), 1, "the first one still waits");
    timeout(Duration::from_secs(5), shared.fill(2)).await.expect("none in its place").unwrap(); // it comes back
    assert_eq!(shared.pool.shelf().ready.len(), 1);
}

#[tokio::test]
async fn a_server_that_takes_its_time_for_another_one_keeps_none_from_its_token() {
    let (listener, shared, provider) = server().await;
    let mut ends = filled(&listener, &shared, 1).await;
    let keeping = tokio::spawn({
        let proxy = Proxy { shared: shared.clone() };
        async move { proxy.keep_warm(2).await }
    });
    let (mut slow, _) = listener.accept().await.unwrap();
    take_auth(&mut slow, "").await;
    renew(&provider, &shared).await;
    take_auth(&mut ends[0], OK).await;
    keeping.abort();
}

#[tokio::test]
async fn one_whose_ping_is_forbidden_is_kept_and_one_that_nobody_is_signed_in_on_is_not() {
    let (listener, shared, _provider) = server().await;
    let mut end = filled(&listener, &shared, 1).await.remove(0);
    for (answer, left) in [
        ("-NOPERM this user has no permissions to run the 'ping' command\r\n", 1),
        ("+PONG\r\n", 1),
        ("-LOADING Redis is loading the dataset in memory\r\n", 1),
        ("-NOAUTH Authentication required.\r\n", 0),
    ] {
        tokio::join!(shared.ping_all(), async {
            let mut asked = [0; 14];
            timeout(Duration::from_secs(20), end.read_exact(&mut asked)).await.expect("a PING").unwrap();
            end.write_all(answer.as_bytes()).await.unwrap();
        });
        assert_eq!(shared.pool.shelf().ready.len(), left, "{answer}");
    }
}

#[tokio::test]
async fn one_that_was_refused_is_tried_again_with_the_next_token_and_with_a_ping() {
    let (listener, shared, provider) = server().await;
    let mut end = filled(&listener, &shared, 1).await.remove(0);
    let version = || shared.pool.shelf().ready.front().map(|warm| warm.connection.credentials.version);
    let mut tended = JoinSet::new();
    for (answer, on) in [(WRONGPASS, 1), (OK, 3), (WRONGPASS, 3)] {
        renew(&provider, &shared).await;
        shared.renew_due(&mut tended);
        take_auth(&mut end, answer).await;
        tended.join_next().await.unwrap().unwrap();
        assert_eq!(version(), Some(on));
    }
    tokio::join!(shared.ping_all(), take_auth(&mut end, OK));
    assert_eq!(version(), Some(4));
    let in_the_books = || provider.status().listeners.connections;
    assert_eq!(in_the_books(), 1, "it is the same one");
    assert!(shared.pool.take().is_some());
    assert_eq!(in_the_books(), 0, "a client makes an entry of its own");
}
