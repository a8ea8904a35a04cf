//! A running emulator is controlled by its methods, without HTTP; what is asked of it goes over the wire.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should panic")]

use entrakey_emulator::{
    ArmCache, ClockChange, ClusterPolicy, Emulator, Fault, GraphGrant, GraphSettings, KeySet, Limits,
    Options, RedisFault, RedisFaultPoint, RedisOptions, Renewal, Rotation, TokenFault, Truncate,
};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first byte of a record that is an alert.
const TLS_ALERT: u8 = 21;
const PATH: &str = "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://redis.azure.com";

/// Asks IMDS; head and body.
async fn ask(emulator: &Emulator) -> (String, String) {
    let mut stream = TcpStream::connect(emulator.http_address()).await.unwrap();
    let request = format!("GET {PATH} HTTP/1.1\r\nHost: x\r\nMetadata: true\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// A fault that changes the token.
fn with(token: TokenFault) -> Fault {
    Fault { token: Some(token), ..Fault::default() }
}

#[tokio::test]
async fn answers_are_scripted_and_requests_listed() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let throttled = Fault { status: Some(429), times: Some(2), ..Fault::default() };
    let cut = Fault { truncate: Some(Truncate::Bytes(3)), ..Fault::default() };
    emulator.add_faults("imds", [throttled, cut, with(TokenFault::Expired)]).unwrap();
    assert_eq!(emulator.faults().waiting["imds"], 4);
    for status in ["429", "429", "200"] {
        assert!(ask(&emulator).await.0.starts_with(&format!("HTTP/1.1 {status} ")));
    }
    let expired: Value = serde_json::from_str(&ask(&emulator).await.1).unwrap();
    assert_eq!(expired["expires_in"], "0");
    let listed = emulator.requests(Some("imds"));
    let statuses: Vec<_> = listed.requests.iter().map(|request| request.status.unwrap()).collect();
    assert_eq!((statuses, listed.total), (vec![429, 429, 200, 200], 4));
    assert_eq!(listed.requests[3].fault, Some(with(TokenFault::Expired)));
    assert_eq!(emulator.stats().token_requests.scripted, 2);
    let refusal = emulator.add_faults("imds", [Fault { times: Some(0), ..Fault::default() }]).unwrap_err();
    assert_eq!(refusal.to_string(), "times is 1 at least");
    emulator.add_faults("imds", [with(TokenFault::NoOid)]).unwrap();
    emulator.clear_faults();
    emulator.clear_requests();
    assert!(emulator.faults().waiting.is_empty() && emulator.requests(None).requests.is_empty());
}

#[tokio::test]
async fn the_clock_the_keys_and_the_limits_are_changed_while_it_runs() {
    let options = Options::default().with_token_lifetime(Duration::from_secs(60)).with_clock_scale(0.0);
    let emulator = Emulator::start(options.with_clock_offset_ms(-86_400_000)).await.unwrap();
    let before = emulator.clock();
    let moved = emulator.set_clock(ClockChange { advance_ms: Some(5000), ..ClockChange::default() }).unwrap();
    assert!((moved.now - before.now - 5.0).abs() < 0.001 && moved.offset_ms < -80_000_000);
    assert!(emulator.set_clock(ClockChange { scale: Some(f64::NAN), ..ClockChange::default() }).is_err());

    let body: Value = serde_json::from_str(&ask(&emulator).await.1).unwrap();
    assert_eq!(body["not_before"], (moved.now as u64).to_string());
    assert_eq!(body["expires_in"], "60");

    let first = emulator.keys(KeySet::Entra);
    let rotated = emulator.rotate_keys(Rotation::default()).await.unwrap();
    assert_eq!(rotated.published, [first.signing.unwrap(), rotated.signing.clone().unwrap()]);
    assert_eq!(emulator.retire_keys(KeySet::Entra).published, [rotated.signing.unwrap()]);

    emulator.set_limits(Limits { imds: true });
    assert!(emulator.limits().imds);
}

#[tokio::test]
async fn files_are_made_for_who_asks_where_they_are() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    assert!(emulator.keys(KeySet::Issuers).published.is_empty());
    let variables = emulator.env("workload_identity").await.unwrap();
    let file = &variables.iter().find(|(name, _)| name == "AZURE_FEDERATED_TOKEN_FILE").unwrap().1;
    let written = std::fs::read_to_string(file).unwrap();
    let renewed = emulator.federated_token(Renewal::default()).await.unwrap();
    assert_eq!(renewed.file.as_deref(), Some(file.as_str()));
    assert!(std::fs::read_to_string(file).unwrap() == renewed.token && renewed.token != written);
    assert!(!format!("{renewed:?}").contains(&renewed.token));
    assert!(emulator.env("nowhere").await.unwrap_err().to_string().contains("app_service"));
    assert!(emulator.has_env("client_certificate") && !emulator.has_env("nowhere"));
}

#[tokio::test]
async fn an_impossible_clock_is_no_start() {
    let refusal = Emulator::start(Options::default().with_clock_scale(-1.0)).await.unwrap_err();
    assert!(refusal.to_string().contains("between 0 and"), "{refusal}");
}

/// Whether a connection to the Redis port comes to speak TLS: then what is not TLS is answered with an alert.
async fn is_taken(emulator: &Emulator) -> bool {
    let Ok(mut stream) = TcpStream::connect(emulator.redis_address()).await else { return false };
    stream.write_all(b"PING\r\n").await.is_ok() && stream.read_u8().await.is_ok_and(|kind| kind == TLS_ALERT)
}

#[tokio::test]
async fn graph_and_the_resource_manager_are_set() {
    let graph = GraphSettings { secret_delay_ms: 8000, ..GraphSettings::default() };
    let emulator = Emulator::start(Options { graph, ..Options::default() }).await.unwrap();
    assert_eq!(emulator.graph_settings(), graph);
    let none = GraphSettings { page_size: 0, ..graph };
    assert!(emulator.set_graph_settings(none).unwrap_err().to_string().contains("999"));
    emulator.set_graph_settings(GraphSettings { max_passwords: 3, ..graph }).unwrap();
    assert_eq!(emulator.graph_settings().max_passwords, 3);
    emulator
        .set_graph_grant("somebody", GraphGrant { owns: vec!["app".to_owned()], ..GraphGrant::default() });
    emulator.set_role("somebody", Some("Reader"));
    emulator.set_arm_cache(ArmCache { assignment_ms: Some(5), ..ArmCache::default() });
}

#[tokio::test]
async fn the_redis_is_controlled_too() {
    let redis =
        RedisOptions { cluster_policy: ClusterPolicy::Oss, access_keys: true, ..RedisOptions::default() };
    let emulator = Emulator::start(Options { redis, ..Options::default() }).await.unwrap();
    let redis = emulator.redis();
    assert!(is_taken(&emulator).await);
    let closed = RedisFault { on: RedisFaultPoint::Connect, close: true, ..RedisFault::default() };
    redis.add_faults([closed.clone(), closed]).unwrap();
    assert_eq!(redis.faults()["connect"], 2);
    assert!(!is_taken(&emulator).await);
    redis.clear_faults();
    assert!(redis.faults().is_empty() && is_taken(&emulator).await);
    let contradiction = RedisFault { close: true, stall: true, ..RedisFault::default() };
    assert!(redis.add_faults([contradiction]).unwrap_err().to_string().contains("one of"));

    redis.assign_policy("somebody", "+get ~a*").await.unwrap();
    assert_eq!(redis.policies()["somebody"], "+get ~a*");
    assert!(redis.assign_policy("somebody", "get").await.unwrap_err().to_string().contains("'get'"));
    assert!(redis.unassign_policy("somebody") && !redis.unassign_policy("somebody"));

    assert!(redis.access_keys().unwrap().iter().all(|key| key.len() == 44));
    assert_eq!((redis.set_access_keys(false), redis.access_keys()), (0, None));
    redis.fail_over(1, Duration::ZERO).await.unwrap();
    assert!(redis.fail_over(3, Duration::ZERO).await.is_err());
    redis.stop().await;
    assert!(!is_taken(&emulator).await);
    redis.start().await.unwrap();
    assert!(is_taken(&emulator).await && redis.start().await.is_err());
    assert_eq!((redis.drop_connections(), redis.drop_connections_of("nobody")), (0, 0));
}
