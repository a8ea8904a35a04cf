//! The twenty misconfigurations of the book: each made by the emulator and named rightly.

use super::bench::{Bench, CLASSIC, MANAGED, Told, WATCHED, and, run};
use entrakey_emulator::{
    ClusterPolicy, Emulator, Family, Fault, Options, RedisFault, RedisFaultPoint, RedisOptions, Renewal,
    TokenFault,
};
use std::collections::BTreeMap;
use std::net::UdpSocket;

const SYSTEM: &str = "11111111-0000-4000-8000-000000000001";
const SYSTEM_CLIENT: &str = "11111111-c000-4000-8000-000000000001";
const WITHOUT_POLICY: &str = "55555555-0000-4000-8000-000000000005";
const WITHOUT_POLICY_CLIENT: &str = "55555555-c000-4000-8000-000000000005";
const WITHOUT_OID: &str = "44444444-0000-4000-8000-000000000004";
const WITHOUT_OID_CLIENT: &str = "44444444-c000-4000-8000-000000000004";
const READER_CLIENT: &str = "66666666-c000-4000-8000-000000000006";

fn classic() -> RedisOptions {
    RedisOptions { family: Family::Classic, ..RedisOptions::default() }
}

fn oss(announce: &str) -> RedisOptions {
    RedisOptions {
        cluster_policy: ClusterPolicy::Oss,
        announce: announce.to_owned(),
        ..RedisOptions::default()
    }
}

/// It is a problem of that step and of no other, with these causes.
#[track_caller]
fn assert_found(told: &Told, step: &str, causes: &[&str]) {
    let causes: Vec<_> = causes.iter().map(|cause| (*cause).to_owned()).collect();
    assert_eq!(told.problems(), [(step.to_owned(), causes)], "{}{}", told.text, told.errors);
    assert_eq!(told.code, 1);
}

#[track_caller]
fn assert_says(told: &Told, text: &str) {
    assert!(told.text.contains(text), "{text}: {}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_1_no_assignment_and_what_cannot_be_told_from_it() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--client-id", WITHOUT_POLICY_CLIENT]).await;
    assert_found(&told, "auth", &["no_assignment", "another_id_assigned", "rbac_only"]);
    assert_says(
        &told,
        &format!(
            "az redisenterprise database access-policy-assignment create -g RG --cluster-name emulated --database-name \
             default -n {} --access-policy-name default --object-id {WITHOUT_POLICY}",
            WITHOUT_POLICY.replace('-', "")
        ),
    );
    let bench = Bench::start(classic()).await;
    let told = bench.doctor(&["--client-id", WITHOUT_POLICY_CLIENT]).await;
    assert_found(&told, "auth", &["no_assignment", "another_id_assigned", "rbac_only", "entra_off"]);
    assert_says(&told, "az redis access-policy-assignment create -g RG -n emulated");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_2_the_user_is_the_application_id() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--username", SYSTEM_CLIENT]).await;
    assert_eq!(told.ids("token", "causes"), ["user_is_client_id"], "{}", told.text);
    assert_eq!(told.ids("auth", "causes"), ["user_is_client_id"], "{}", told.text);
    assert_says(&told, &format!("az ad sp show --id {SYSTEM_CLIENT} --query id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_the_token_does_not_name_is_the_one_cause_and_no_sentence_names_another() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--username", "foo"]).await;
    for step in ["token", "auth"] {
        assert_eq!(told.ids(step, "causes"), ["user_is_another_id"], "{}", told.text);
        let told = told.step(step).to_string();
        assert!(!told.contains("access policy assignment"), "{told}");
    }
    assert_says(&told, &format!("user name foo is not the token's object id, {SYSTEM}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_an_object_id_is_the_one_cause_and_what_is_known_of_its_identity_is_filled_in() {
    let bench = Bench::start(RedisOptions::default()).await;
    let options = ["--client-id", WITHOUT_OID_CLIENT, "--username", WITHOUT_OID];
    let told = bench.doctor(&options).await;
    for step in ["token", "auth"] {
        assert_eq!(told.ids(step, "causes"), ["no_object_id"], "{}", told.text);
    }
    assert_says(&told, &format!("az ad sp create --id {WITHOUT_OID_CLIENT}"));
    assert_eq!(told.json()["identity"]["object_id"], WITHOUT_OID, "{}", told.text);
    assert!(!told.text.contains("OBJECT_ID"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_3_the_user_is_a_registration_or_a_group() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--username", "12345678-0000-4000-8000-000000000000"]).await;
    assert_eq!(told.ids("token", "causes"), ["user_is_another_id"], "{}", told.text);
    assert_says(&told, SYSTEM);
    // The user name is right, and the policy was assigned to another id of the application.
    bench.emulator.redis().assign_policy(WITHOUT_POLICY_CLIENT, "owner").await.unwrap();
    bench.emulator.set_role(WITHOUT_POLICY, Some("Reader"));
    let told = bench.doctor(&["--client-id", WITHOUT_POLICY_CLIENT]).await;
    assert_found(&told, "auth", &["another_id_assigned"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_4_the_audience_is_wrong() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--scope", "https://vault.azure.net/.default"]).await;
    assert_eq!(told.ids("token", "causes"), ["wrong_audience"], "{}", told.text);
    assert_eq!(told.ids("auth", "causes"), ["wrong_audience"], "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_5_entra_is_off_on_a_classic_cache() {
    let bench = Bench::start(classic()).await;
    bench.emulator.redis().set_entra(false);
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    let told = bench.doctor(&[]).await;
    assert_found(&told, "auth", &["entra_off"]);
    assert_says(&told, "az redis update -g emulated -n emulated --set redisConfiguration.aadEnabled=true");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_6_a_role_is_no_access_policy() {
    let bench = Bench::start(RedisOptions::default()).await;
    bench.emulator.set_role(WITHOUT_POLICY, Some("Contributor"));
    let told = bench.doctor(&["--client-id", WITHOUT_POLICY_CLIENT]).await;
    assert_found(&told, "auth", &["rbac_only"]);
    assert_says(&told, "-g emulated --cluster-name emulated");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_7_the_policy_does_not_permit_it() {
    let bench = Bench::start(RedisOptions::default()).await;
    for publishes_only in ["+ping +publish &news", "+ping +cluster ~*"] {
        bench.emulator.redis().assign_policy(SYSTEM, publishes_only).await.unwrap();
        let told = bench.doctor(&[]).await;
        assert_eq!(
            (told.code, told.problems()),
            (0, vec![]),
            "it may be all that the program does: {}",
            told.text
        );
        assert_eq!(told.ids("permissions", "notes"), ["no_permission"], "{}", told.text);
        assert_says(&told, "does not permit GET");
        assert_says(&told, "a program that only publishes, or only reads, needs no more");
        assert_says(&told, "--access-string");
    }
    bench.emulator.redis().assign_policy(SYSTEM, "+@read ~cache:*").await.unwrap();
    let told = bench.doctor(&[]).await;
    assert_eq!(
        (told.code, told.step("permissions")["verdict"].as_str()),
        (0, Some("not_determined")),
        "{}",
        told.text
    );
    let told = bench.doctor(&["--key-prefix", "cache:"]).await;
    assert_eq!((told.code, told.step("permissions")["verdict"].as_str()), (0, Some("ok")), "{}", told.text);
    let told = bench.doctor(&["--key-prefix", "orders:"]).await;
    assert_found(&told, "permissions", &["no_permission"]);
    let told = bench.doctor(&["--client-id", READER_CLIENT]).await;
    assert_eq!(told.problems(), [], "who may only read is no misconfiguration: {}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_8_a_token_that_is_not_renewed_ends_the_connection() {
    let options = Options::default().with_token_lifetime(WATCHED);
    let bench = Bench::with(options).await;
    let cached = Fault { token: Some(TokenFault::Cached), ..Fault::default() };
    bench.emulator.add_faults("imds", std::iter::repeat_n(cached, 200)).unwrap();
    let told = bench.doctor(&["--watch"]).await;
    assert_found(&told, "rotation", &["not_renewed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_9_access_keys_are_off() {
    let bench = Bench::start(RedisOptions::default()).await;
    let key = bench.file("key", "a-key-that-was-once-good\n");
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert_found(&told, "access_key", &["keys_off", "key_wrong"]);
    bench.emulator.set_role(SYSTEM, Some("Reader"));
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert_found(&told, "access_key", &["keys_off"]);
    assert_says(&told, "--access-keys-authentication Enabled");
    assert!(!told.text.contains("once-good"), "{}", told.text);
    bench.emulator.redis().set_access_keys(true);
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert_found(&told, "access_key", &["key_wrong"]);
    let good = bench.file("key", &bench.emulator.redis().access_keys().unwrap()[0]);
    let told = bench.doctor(&["--access-key-path", &good]).await;
    assert_eq!(told.problems(), [], "{}", told.text);
    let bench = Bench::start(classic()).await; // which refuses in other words
    let key = bench.file("key", "a-key-that-was-once-good\n");
    let told = bench.doctor(&["--access-key-path", &key]).await;
    assert_found(&told, "access_key", &["keys_off", "key_wrong"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_10_the_identity_is_not_attached() {
    let bench = Bench::start(RedisOptions::default()).await;
    let id = "12345678-c000-4000-8000-000000000000";
    let told = bench.doctor(&["--client-id", id]).await;
    assert_found(&told, "identity", &["identity_not_attached"]);
    assert_says(&told, "az vm identity assign -g RG -n VM --identities");
    assert_says(&told, id);
    let variables = bench.env("app_service").await;
    let options = ["--identity", "managed_identity", "--client-id", id];
    let told = bench.doctor_in(&variables, &bench.target(), &options).await;
    assert_found(&told, "identity", &["identity_not_attached"]);
    assert_says(&told, "az webapp identity assign -g RG -n APP --identities");
    assert_says(&told, "az containerapp identity assign -g RG -n APP --user-assigned");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_11_several_identities_and_none_is_named() {
    let identity = |number: u8| {
        format!(
            "[[managed_identities]]\nname = 'm{number}'\nkind = 'user'\nclient_id = 'c{number}'\nobject_id = 'o{number}'\n\
             resource_id = '/r/{number}'\n"
        )
    };
    let path = std::env::temp_dir().join(format!("entrakey-doctor-identities-{}.toml", std::process::id()));
    std::fs::write(&path, format!("tenant_id = 't'\n{}{}", identity(1), identity(2))).unwrap();
    let bench = Bench::with(Options::default().with_identities(path.clone())).await;
    std::fs::remove_file(path).unwrap();
    let told = bench.doctor(&[]).await;
    assert_found(&told, "identity", &["several_identities"]);
    assert_says(&told, "client_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_12_a_pod_is_its_node() {
    let bench = Bench::start(RedisOptions::default()).await;
    bench.emulator.redis().unassign_policy(SYSTEM);
    let variables = and(&bench.env("imds").await, &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "managed_identity"]).await;
    assert_found(&told, "auth", &["node_identity"]);
    assert_says(&told, "azure.workload.identity/use");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_13_no_federated_credential_matches() {
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = bench.env("workload_identity").await;
    let (ours, other) = ("system:serviceaccount:emulated:workload", "system:serviceaccount:emulated:other");
    for (issuer, subject, code) in
        [(None, other, "AADSTS700213"), (Some("https://elsewhere.example"), ours, "AADSTS700211")]
    {
        let renewal = Renewal {
            issuer: issuer.map(str::to_owned),
            subject: Some(subject.to_owned()),
            ..Renewal::default()
        };
        bench.emulator.federated_token(renewal).await.unwrap();
        let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "workload_identity"]).await;
        assert_found(&told, "identity", &["federated_credential"]);
        assert_says(&told, code);
        assert_says(&told, &format!("--subject '{subject}' --audiences 'api://AzureADTokenExchange'"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_the_secret_is_wrong_or_has_expired() {
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = bench.env("client_secret").await;
    for (secret, cause) in [
        ("another-client-secret~value", "client_secret_wrong"),
        ("emulated-expired-secret~value", "client_secret_expired"),
    ] {
        let variables = and(&variables, &[("AZURE_CLIENT_SECRET", secret)]);
        let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "service_principal"]).await;
        assert_found(&told, "identity", &[cause]);
        assert_says(&told, "az ad app credential reset --id 22222222-c000-4000-8000-000000000002 --append");
        assert!(!told.text.contains(secret), "{}", told.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_entra_refuses_for_another_reason_is_told_with_its_number() {
    let bench = Bench::start(RedisOptions::default()).await;
    let unknown = [("AZURE_CLIENT_ID", "12345678-c000-4000-8000-000000000000")];
    let variables = and(&bench.env("client_secret").await, &unknown);
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "service_principal"]).await;
    assert_found(&told, "identity", &["entra_refused"]);
    assert_says(&told, "AADSTS700016");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_too_often_is_throttled_by_imds_or_by_entra_and_not_refused() {
    let bench = Bench::start(RedisOptions::default()).await;
    let headers = BTreeMap::from([("Retry-After".to_owned(), "60".to_owned())]);
    let throttled = Fault { status: Some(429), headers, ..Fault::default() };
    bench.emulator.add_faults("imds", [throttled]).unwrap();
    assert_found(&bench.doctor(&[]).await, "identity", &["throttled"]);
    let body = "{\"error\": \"invalid_grant\", \"error_description\": \"AADSTS50196: The server terminated an operation \
                because it encountered a client request loop. Please contact your app vendor.\", \"error_codes\": [50196]}";
    let looping = Fault { status: Some(400), body: body.to_owned(), ..Fault::default() };
    bench.emulator.add_faults("token", [looping]).unwrap();
    let variables = bench.env("client_secret").await;
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "service_principal"]).await;
    assert_found(&told, "identity", &["throttled"]);
    assert_says(&told, "AADSTS50196");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_token_that_is_refused_ends_a_rotation() {
    let options = Options::default().with_token_lifetime(WATCHED);
    let bench = Bench::with(options).await;
    let auth = RedisFault { on: RedisFaultPoint::Auth, ..RedisFault::default() };
    // The doctor's own connection and the two that it watches sign in before there is a newer token.
    let (taken, refused) =
        (RedisFault { times: Some(3), ..auth.clone() }, RedisFault { refuse: true, ..auth });
    bench.emulator.redis().add_faults([taken, refused]).unwrap();
    let told = bench.doctor(&["--watch"]).await;
    assert_found(&told, "rotation", &["rotation_failed"]);
    assert_says(&told, "WRONGPASS");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_configuration_every_other_step_says_that_it_was_not_tried() {
    let bench = Bench::start(RedisOptions::default()).await;
    let without_a_secret =
        ["--identity", "service_principal", "--tenant-id", "t.example", "--client-id", "app"];
    for offline in [&[][..], &["--offline"]] {
        let options = [&without_a_secret[..], offline].concat();
        let told = bench.doctor_in(&Vec::new(), &bench.target(), &options).await;
        assert_found(&told, "configuration", &["configuration"]);
        let document = told.json();
        let steps = document["steps"].as_array().unwrap();
        assert_eq!(steps.len(), 13, "{}", told.text);
        for step in &steps[1..] {
            assert_eq!(step["verdict"], "skipped", "{step}");
            assert_eq!(step["evidence"][0], "not tried: the configuration cannot be used", "{step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn causes_that_all_hold_are_not_told_as_if_it_were_one_of_them() {
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = bench.env("imds").await;
    let resolve = format!("{MANAGED}=127.0.0.1");
    let target = bench.target();
    let command = ["doctor", &target, "--identity", "managed_identity", "--resolve", &resolve];
    let either = run(&variables, &[&command[..], &["--client-id", WITHOUT_POLICY_CLIENT]].concat()).await;
    assert_says(&either, "one of these, and nothing that could be seen tells which:");
    let both = ["--scope", "https://vault.azure.net/.default", "--username", SYSTEM_CLIENT];
    let told = run(&variables, &[&command[..], &both].concat()).await;
    assert!(
        told.text.contains("[wrong_audience]") && told.text.contains("[user_is_client_id]"),
        "{}",
        told.text
    );
    assert!(!told.text.contains("one of these"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_15_the_clock_is_off() {
    let bench = Bench::with(Options::default().with_clock_offset_ms(20 * 60 * 1000)).await;
    let variables = bench.env("client_certificate").await;
    // The library signs with Entra's time; other programs of the machine do not.
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "service_principal"]).await;
    assert_found(&told, "clock", &["clock_off"]);
    assert_says(&told, "behind Entra's");
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = bench.env("workload_identity").await;
    bench.emulator.federated_token(Renewal { lifetime_seconds: -3600, ..Renewal::default() }).await.unwrap();
    let told = bench.doctor_in(&variables, &bench.target(), &["--identity", "workload_identity"]).await;
    assert_found(&told, "identity", &["assertion_outside_its_time"]);
    assert_says(&told, "AADSTS700024");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_16_nodes_announce_addresses_that_cannot_be_reached() {
    // Azure's nodes announce internal addresses. No test connects to another address than loopback's: here nobody listens.
    let bench = Bench::start(oss("node.example")).await;
    let unreachable = ["--resolve", "node.example=127.0.3.9"];
    let told = bench.doctor(&[&unreachable[..], &["--client", "cluster"]].concat()).await;
    assert_found(&told, "cluster", &["nodes_unmapped"]);
    assert_says(&told, "nodeAddressMap");
    let second = [&unreachable[..], &["--resolve", "node.example=127.0.0.1", "--client", "cluster"]].concat();
    let told = bench.doctor(&second).await;
    assert_eq!(told.ids("cluster", "causes"), ["node_name_mismatch"], "at its second address: {}", told.text);
    let told = bench.doctor(&[&unreachable[..], &["--client", "mapped"]].concat()).await;
    assert_eq!(told.problems(), [], "{}", told.text);
    let told = bench.doctor(&unreachable).await;
    assert_eq!(told.ids("cluster", "notes"), ["nodes_unmapped", "cluster_client_needed"], "{}", told.text);
    assert_eq!(told.code, 0, "the client may do it");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_announce_a_name_are_looked_up() {
    let bench = Bench::start(oss("localhost")).await;
    let told = bench.doctor(&["--client", "cluster"]).await;
    assert_eq!((told.code, told.problems()), (0, vec![]), "{}", told.text);
    assert_says(&told, "a node announces localhost:");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_17_the_certificate_names_hosts_and_no_node() {
    let bench = Bench::start(oss("127.0.2.4")).await;
    let told = bench.doctor(&["--client", "cluster"]).await;
    assert_found(&told, "cluster", &["node_name_mismatch"]);
    let variables = bench.env("imds").await;
    let seen = told.step("cluster")["evidence"][1].as_str().unwrap().to_owned();
    let node = seen.trim_start_matches("a node announces ").split(',').next().unwrap().to_owned();
    let told = bench.doctor_in(&variables, &node, &["--identity", "managed_identity"]).await;
    assert_found(&told, "tls", &["certificate_name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_18_the_client_does_not_fit_the_policy() {
    let bench = Bench::start(oss("127.0.2.4")).await;
    let told = bench.doctor(&["--client", "single"]).await;
    assert_found(&told, "cluster", &["cluster_client_needed"]);
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&["--client", "cluster"]).await;
    assert_found(&told, "cluster", &["no_cluster"]);
    assert_says(&told, "one endpoint (the Enterprise cluster policy)");
}

/// Whether a connection would leave this machine. Nothing is sent.
fn has_way_to(address: &str) -> bool {
    UdpSocket::bind("0.0.0.0:0").unwrap().connect((address, 9)).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn row_19_the_private_zone_is_not_linked() {
    if has_way_to("203.0.113.7") {
        return println!(
            "this machine has a way to other addresses: run it by scripts/offline.sh; nothing was tried"
        );
    }
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = bench.env("imds").await;
    let target = "orders.westeurope.redis.azure.net";
    let (public, private) =
        (format!("{target}=203.0.113.7"), "orders.westeurope.privatelink.redis.azure.net=203.0.113.7");
    let options = ["--identity", "managed_identity", "--resolve", &public, "--resolve", private];
    let told = bench.doctor_in(&variables, target, &options).await;
    assert_eq!(told.ids("name", "causes"), ["zone_unlinked"], "{}", told.text);
    assert_eq!(told.ids("tcp", "causes"), ["unreachable"], "{}", told.text);
    assert_says(&told, "az network private-endpoint dns-zone-group create");
}

#[tokio::test(flavor = "multi_thread")]
async fn row_20_the_port_is_the_wrong_one_or_has_no_tls() {
    let redis = RedisOptions { plain_port: Some(0), ..classic() };
    let bench = Bench::start(redis).await;
    let variables = bench.env("imds").await;
    let identity = ["--identity", "managed_identity"];
    let plain = format!("{CLASSIC}:{}", bench.emulator.redis().plain_port().unwrap());
    let told = bench.doctor_in(&variables, &plain, &identity).await;
    assert_found(&told, "tls", &["plain_port"]);
    assert_says(&told, "6380");
    let nobody = format!("{CLASSIC}:{}", entrakey_tests::free_port());
    let told = bench.doctor_in(&variables, &nobody, &identity).await;
    assert_found(&told, "tcp", &["port_closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_in_between_is_named() {
    let (bench, other) =
        (Bench::start(RedisOptions::default()).await, Emulator::start(Options::default()).await.unwrap());
    let variables = bench.env("imds").await;
    let target = format!("{MANAGED}:{}", other.redis_address().port());
    let told = bench.doctor_in(&variables, &target, &["--identity", "managed_identity"]).await;
    assert_eq!(told.ids("tls", "causes"), ["certificate_issuer"], "{}", told.text);
    assert_says(&told, "\"certificate for ");
    assert_says(&told, "\"with it the certificate for ");
}
