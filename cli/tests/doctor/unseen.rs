//! What could not be seen is said, and nothing is made of it.

use super::bench::{Bench, MANAGED, Told, and, run};
use entrakey_emulator::{ClusterPolicy, Fault, Options, RedisFault, RedisFaultPoint, RedisOptions};
use std::time::Duration;

const SYSTEM: &str = "11111111-0000-4000-8000-000000000001";

fn on_auth() -> RedisFault {
    RedisFault { on: RedisFaultPoint::Auth, ..RedisFault::default() }
}

/// The report for a person: its last line.
async fn last_line(bench: &Bench) -> (i32, String) {
    let resolve = format!("{MANAGED}=127.0.0.1");
    let target = bench.target();
    let typed = ["doctor", &target, "--resolve", &resolve, "--identity", "managed_identity"];
    let told = run(&bench.env("imds").await, &typed).await;
    (told.code, told.text.lines().last().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auth_without_a_verdict_is_a_problem_and_no_step_says_that_the_identity_was_refused() {
    let says = |text: &str| RedisFault { error: Some(text.to_owned()), ..on_auth() };
    let loading = "LOADING Redis is loading the dataset in memory";
    let full = "ERR max number of clients reached";
    let cases = [
        (RedisFault { stall: true, ..on_auth() }, "auth_unanswered", "the server said nothing for 5 s"),
        (RedisFault { close: true, ..on_auth() }, "auth_unanswered", "the server closed the connection"),
        (says(loading), "server_loading", loading),
        (says(full), "too_many_clients", full),
        (says("ERR unknown command 'AUTH'"), "auth_not_judged", "ERR unknown command"),
    ];
    let looks = cases.map(|(fault, cause, seen)| async move {
        let bench = Bench::start(RedisOptions::default()).await;
        bench.emulator.redis().add_faults([fault]).unwrap();
        let told = bench.doctor(&[]).await;
        assert_eq!(told.problems(), [("auth".to_owned(), vec![cause.to_owned()])], "{}", told.text);
        assert_eq!((told.code, told.json()["verdict"].as_str()), (1, Some("problem")), "{}", told.text);
        let evidence = told.step("auth")["evidence"][0].as_str().unwrap().to_owned();
        assert!(evidence.contains(seen), "{evidence}");
        for step in ["permissions", "cluster", "rotation"] {
            let why = told.step(step)["evidence"][0].as_str().unwrap().to_owned();
            assert!(why.contains("AUTH") && !why.contains("did not let"), "{step}: {why}");
        }
    });
    futures(looks).await;
}

/// Side by side: most of it is waiting.
async fn futures(all: impl IntoIterator<Item = impl Future<Output = ()> + Send + 'static>) {
    let tasks: Vec<_> = all.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_whose_connection_ended_says_how_and_the_next_has_another_one() {
    let bench = Bench::start(RedisOptions::default()).await;
    let close = RedisFault { command: Some("ACL".to_owned()), close: true, ..RedisFault::default() };
    bench.emulator.redis().add_faults([close.clone()]).unwrap();
    let told = bench.doctor(&[]).await;
    let permissions = told.step("permissions");
    assert_eq!(permissions["verdict"], "not_determined", "{}", told.text);
    assert_eq!(permissions["evidence"][0], "ACL had no answer: the server closed the connection");
    assert_eq!(told.step("cluster")["verdict"], "ok", "{}", told.text);
    assert_eq!((told.code, told.json()["verdict"].as_str()), (0, Some("not_determined")), "{}", told.text);
    bench.emulator.redis().add_faults([close]).unwrap();
    assert_eq!(
        last_line(&bench).await,
        (0, "No problem was found, but not everything could be seen.".to_owned())
    );
    assert_eq!(last_line(&bench).await, (0, "No problem was found.".to_owned()));
    // Where no other connection is let in, the reason stays that of the first one.
    let close = RedisFault { command: Some("ACL".to_owned()), close: true, ..RedisFault::default() };
    let taken = RedisFault { times: Some(1), ..on_auth() };
    bench.emulator.redis().add_faults([taken, RedisFault { refuse: true, ..on_auth() }, close]).unwrap();
    let told = bench.doctor(&[]).await;
    assert_eq!(
        told.step("cluster")["evidence"][0],
        "ACL had no answer: the server closed the connection",
        "{}",
        told.text
    );
}

fn policy_of(told: &Told) -> String {
    told.step("cluster")["evidence"][0].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_forbids_cluster_hides_no_cluster_and_makes_none() {
    let forbids = "+@read +@write +@connection ~*";
    let oss = RedisOptions { cluster_policy: ClusterPolicy::Oss, ..RedisOptions::default() };
    let bench = Bench::start(oss).await;
    bench.emulator.redis().assign_policy(SYSTEM, forbids).await.unwrap();
    let told = bench.doctor(&[]).await;
    assert!(policy_of(&told).starts_with("cluster policy: OSS"), "{}", told.text);
    let notes = told.ids("cluster", "notes");
    assert_eq!(notes, ["cluster_forbidden", "node_name_mismatch", "cluster_client_needed"], "{}", told.text);
    assert!(told.text.contains("ACCESS_STRING +cluster"), "{}", told.text);
    let told = bench.doctor(&["--client", "mapped"]).await;
    assert_eq!(
        (told.code, told.ids("cluster", "causes")),
        (1, vec!["cluster_forbidden".to_owned()]),
        "{}",
        told.text
    );
    let told = bench.doctor(&["--client", "single"]).await;
    assert_eq!(told.ids("cluster", "causes"), ["cluster_client_needed"], "{}", told.text);
    // Of one endpoint nobody can tell: an OSS cluster may have one node.
    let bench = Bench::start(RedisOptions::default()).await;
    bench.emulator.redis().assign_policy(SYSTEM, forbids).await.unwrap();
    let told = bench.doctor(&[]).await;
    let found = (told.step("cluster")["verdict"].clone(), told.ids("cluster", "notes"));
    assert_eq!(found, ("not_determined".into(), vec!["cluster_forbidden".to_owned()]), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_could_not_be_reached_was_asked() {
    let bench = Bench::start(RedisOptions::default()).await;
    let elsewhere = [("AZURE_AUTHORITY_HOST", "https://127.0.0.1:1")];
    let variables = and(&bench.env("imds").await, &elsewhere);
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "managed_identity"]).await;
    let seen = told.step("clock")["evidence"][0].as_str().unwrap().to_owned();
    assert!(seen.starts_with("Entra's time is not known: Could not reach https://127.0.0.1:1"), "{seen}");
    assert_eq!((told.code, told.json()["verdict"].as_str()), (0, Some("not_determined")), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_long_before_the_token_is_not_the_rotations() {
    let bench = Bench::with(Options::default().with_token_lifetime(Duration::from_secs(3600))).await;
    let redis = bench.emulator.redis();
    let drop_them = async {
        // The doctor's own connection and the two that it watches.
        let signed_in = || bench.emulator.stats().redis.by_object_id.get(SYSTEM).map_or(0, |mine| mine.auths);
        while signed_in() < 3 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        redis.drop_connections()
    };
    let (told, dropped) = tokio::join!(bench.doctor(&["--watch"]), drop_them);
    assert_eq!(dropped, 3);
    assert_eq!(told.ids("rotation", "causes"), ["ended_before_its_token"], "{}", told.text);
    assert!(told.text.contains("not by the rotation"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn why_azure_resource_manager_tells_nothing_is_told() {
    let bench = Bench::start(RedisOptions { access_keys: true, ..RedisOptions::default() }).await;
    let key = bench.file("key", "a-key-that-was-once-good\n");
    let denied = || Fault { status: Some(403), ..Fault::default() };
    bench.emulator.add_faults("arm", [denied()]).unwrap();
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert_eq!(told.ids("access_key", "causes"), ["keys_off", "key_wrong"], "{}", told.text);
    let seen = told.step("access_key")["evidence"][1].as_str().unwrap().to_owned();
    assert!(seen.starts_with("Azure Resource Manager could not be read: status 403"), "{seen}");
    assert!(seen.contains("Reader"), "{seen}");
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert!(told.text.contains("it shows this identity no such cache"), "{}", told.text);
    let id = "/subscriptions/s/resourceGroups/prod/providers/Microsoft.Cache/redisEnterprise/orders";
    let told = bench.doctor(&["--no-arm", "--access-key-path", &key, "--cache-id", id]).await;
    assert!(told.text.contains("update -g prod --cluster-name orders"), "what the id says: {}", told.text);
    for wrong in ["foo", "/subscriptions/x"] {
        let told = bench.doctor(&["--cache-id", wrong]).await;
        assert_eq!(told.code, 2, "{}{}", told.text, told.errors);
        assert!(told.errors.contains("Microsoft.Cache/redis/NAME"), "{}", told.errors);
        assert!(told.text.is_empty(), "nobody was asked: {}", told.text);
    }
    let told = run(&Vec::new(), &["migration", "/subscriptions/x"]).await;
    assert_eq!(told.code, 2, "before an identity is looked for: {}", told.errors);
}
