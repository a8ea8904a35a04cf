//! `entrakey migration`: ready, not ready, and what cannot be seen.

use super::bench::{Bench, CLASSIC, MANAGED, Told, run};
use entrakey_emulator::{ArmCache, ClusterPolicy, Family, Fault, RedisFault, RedisFaultPoint, RedisOptions};
use std::collections::BTreeMap;

const SYSTEM: &str = "11111111-0000-4000-8000-000000000001";
const SYSTEM_CLIENT: &str = "11111111-c000-4000-8000-000000000001";

fn classic() -> RedisOptions {
    RedisOptions { family: Family::Classic, access_keys: true, ..RedisOptions::default() }
}

async fn migration(bench: &Bench, target: &str) -> Told {
    let resolve = format!("{MANAGED}=127.0.0.1");
    let identity = ["--identity", "managed_identity", "--resolve", &resolve, "-o", "json"];
    run(&bench.env("imds").await, &[&["migration", target], &identity[..]].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_cache_is_ready_when_all_its_clients_use_tokens() {
    let bench = Bench::start(classic()).await;
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    for (connected, with_token, linked, code, verdict) in
        [(120, 120, false, 0, "ready"), (150, 120, true, 0, "ready"), (151, 120, false, 1, "not_ready")]
    {
        bench.emulator.set_arm_cache(ArmCache {
            connected_clients: Some(connected),
            with_token: Some(with_token),
            is_linked: linked,
            ..ArmCache::default()
        });
        let told = migration(&bench, CLASSIC).await;
        assert_eq!(
            (told.code, told.json()["verdict"].as_str()),
            (code, Some(verdict)),
            "{}{}",
            told.text,
            told.errors
        );
        let notes = told.ids("consequences", "notes");
        assert_eq!(notes.contains(&"geo_replicated".to_owned()), linked, "{}", told.text);
        assert_eq!(notes[0], "ends_every_connection");
        assert_eq!(
            told.text.contains("--linked-server-name partner"),
            linked,
            "its name is known: {}",
            told.text
        );
    }
    assert_eq!(migration(&bench, &bench.emulator.cache_id()).await.code, 1, "by its id");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_locked_out_unawares() {
    let bench = Bench::start(classic()).await;
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    bench.emulator.redis().set_entra(false);
    for object_id in bench.emulator.redis().policies().into_keys().collect::<Vec<_>>() {
        bench.emulator.redis().unassign_policy(&object_id);
    }
    let told = migration(&bench, CLASSIC).await;
    assert_eq!(told.ids("entra", "causes"), ["entra_off"], "{}{}", told.text, told.errors);
    assert_eq!(told.ids("assignments", "causes"), ["nobody_assigned"], "{}", told.text);
    assert_eq!(told.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_managed_redis_has_no_metric_and_is_asked_who_is_connected() {
    let bench = Bench::start(RedisOptions { access_keys: true, ..RedisOptions::default() }).await;
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    let told = migration(&bench, &bench.target()).await;
    assert_eq!(
        (told.code, told.json()["verdict"].as_str()),
        (0, Some("not_determined")),
        "one look is no proof: {}{}",
        told.text,
        told.errors
    );
    assert_eq!(told.ids("clients", "notes"), ["only_now"], "{}", told.text);
    assert!(told.text.contains("has no metric") && told.text.contains("ConnectionEvents"), "{}", told.text);
    assert!(told.text.contains(&format!("1 connections of {SYSTEM}")), "{}", told.text);
    assert_eq!(told.json()["identity"]["client_id"], SYSTEM_CLIENT, "{}", told.text);
    bench.emulator.redis().set_access_keys(false);
    let told = migration(&bench, &bench.target()).await;
    assert_eq!(told.json()["verdict"], "ready", "where keys are off nobody uses one: {}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_of_a_cluster_is_asked_at_the_address_that_answers() {
    let oss =
        RedisOptions { cluster_policy: ClusterPolicy::Oss, access_keys: true, ..RedisOptions::default() };
    let bench = Bench::start(oss).await;
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    let told = bench.doctor(&[]).await;
    let nodes = told.step("cluster")["evidence"].as_array().unwrap()[1..].to_vec();
    assert_eq!(nodes.len(), 3, "{}", told.text);
    let port = |node: &serde_json::Value| {
        let text = node.as_str().unwrap().split(',').next().unwrap().to_owned();
        text.rsplit(':').next().unwrap().parse::<u16>().unwrap()
    };
    // Nobody listens at the first address of the name.
    let resolve = format!("{MANAGED}=127.0.9.9");
    let target = bench.target();
    let typed = ["migration", &target, "--resolve", &resolve, "--resolve", &format!("{MANAGED}=127.0.0.1")];
    let typed = [&typed[..], &["--identity", "managed_identity", "-o", "json"]].concat();
    let variables = bench.env("imds").await;
    let told = run(&variables, &typed).await;
    assert_eq!(told.json()["verdict"], "not_determined", "{}{}", told.text, told.errors);
    assert!(told.text.contains("3 nodes have told"), "{}", told.text);
    let key = bench.emulator.redis().access_keys().unwrap()[0].clone();
    let client = bench.client(port(&nodes[2]), "default", &key).await;
    let told = run(&variables, &typed).await;
    assert_eq!(
        (told.code, told.ids("clients", "causes")),
        (1, vec!["clients_with_keys".to_owned()]),
        "{}",
        told.text
    );
    drop(client);
    // What cannot be asked is named.
    let refuse = RedisFault { on: RedisFaultPoint::Auth, refuse: true, ..RedisFault::default() };
    let taken = RedisFault { refuse: false, times: Some(2), ..refuse.clone() };
    bench.emulator.redis().add_faults([taken, refuse]).unwrap();
    let told = run(&variables, &typed).await;
    assert!(
        told.text.contains("2 nodes have told") && told.text.contains("not asked: the node "),
        "{}",
        told.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_look_is_told_so_and_who_is_asked_to_wait_waits() {
    let bench = Bench::start(classic()).await;
    let told = migration(&bench, CLASSIC).await;
    assert_eq!(told.code, 4, "{}", told.errors);
    assert!(told.errors.contains("Reader"), "{}", told.errors);
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    let headers = BTreeMap::from([("Retry-After".to_owned(), "0".to_owned())]);
    let throttled = Fault { status: Some(429), headers: headers.into_iter().collect(), ..Fault::default() };
    bench.emulator.add_faults("arm", [throttled]).unwrap();
    assert_eq!(migration(&bench, CLASSIC).await.code, 0);
    let denied = Fault { status: Some(403), ..Fault::default() };
    bench.emulator.add_faults("arm", [denied]).unwrap();
    assert_eq!(migration(&bench, CLASSIC).await.code, 4);
}
