//! Where nothing is wrong, nothing is found.

use super::bench::{Bench, CLASSIC, WATCHED, and, run};
use entrakey_emulator::{ClusterPolicy, Family, Options, RedisOptions};

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_set_up_has_no_finding_whatever_the_cache_and_the_identity() {
    for family in [Family::Amr, Family::Classic] {
        for cluster_policy in [ClusterPolicy::Enterprise, ClusterPolicy::Oss] {
            let bench =
                Bench::start(RedisOptions { family, cluster_policy, ..RedisOptions::default() }).await;
            for (environment, identity) in [
                ("imds", "managed_identity"),
                ("client_secret", "service_principal"),
                ("workload_identity", "workload_identity"),
                ("client_secret", "default"),
            ] {
                let variables = bench.env(environment).await;
                bench.emulator.clear_requests();
                let told = bench.doctor_in(&variables, &bench.target(), &["--identity", identity]).await;
                assert_eq!(
                    (told.code, told.problems()),
                    (0, vec![]),
                    "{identity}: {}{}",
                    told.text,
                    told.errors
                );
                assert_eq!(told.json()["verdict"], "ok");
                bench.assert_no_secret(&told);
                let tls = told.step("tls")["evidence"].clone();
                assert!(tls[0].as_str().unwrap().contains("issued by \"entrakey emulator CA\""), "{tls}");
                assert_eq!(
                    tls[1],
                    "with it the certificate for \"entrakey emulator CA\", issued by \"entrakey emulator CA\"",
                    "the chain as the server shows it: {tls}"
                );
                let source = if environment == "imds" { "imds" } else { "token" };
                let asked = bench.emulator.requests(Some(source)).requests.len();
                assert_eq!(asked, 1, "{identity}: a source is asked once");
                let links = told.step("identity")["evidence"].to_string();
                assert_eq!(links.contains("environment: gave a token"), identity == "default", "{links}");
                for step in [
                    "configuration",
                    "identity",
                    "token",
                    "clock",
                    "name",
                    "tcp",
                    "tls",
                    "auth",
                    "permissions",
                    "cluster",
                ] {
                    assert_eq!(told.step(step)["verdict"], "ok", "{step}: {}", told.text);
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cache_is_as_it_was_and_only_its_owner_was_asked() {
    let bench = Bench::start(RedisOptions::default()).await;
    let told = bench.doctor(&[]).await;
    assert_eq!(told.code, 0, "{}", told.text);
    assert_eq!(
        bench.emulator.requests(Some("arm")).requests.len(),
        0,
        "Azure Resource Manager is asked if it has to be"
    );
    let told = bench.doctor(&["--offline"]).await;
    assert_eq!((told.code, told.step("configuration")["verdict"].as_str()), (0, Some("ok")), "{}", told.text);
    for step in ["identity", "token", "clock", "name", "tcp", "tls", "auth", "rotation"] {
        assert_eq!(told.step(step)["verdict"], "skipped", "{step}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_nobody_reads_is_a_note_and_no_problem() {
    let bench = Bench::start(RedisOptions::default()).await;
    let variables =
        and(&bench.env("imds").await, &[("AZURE_CLINET_ID", "11111111-0000-4000-8000-000000000001")]);
    let told = bench.doctor_in(&variables, &bench.target(), &["--offline"]).await;
    assert_eq!(
        (told.code, told.ids("configuration", "notes")),
        (0, vec!["misspelt_variable".to_owned()]),
        "{}",
        told.text
    );
    assert!(told.text.contains("did you mean AZURE_CLIENT_ID?"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_lines_and_each_value_says_where_it_came_from() {
    let bench = Bench::start(RedisOptions::default()).await;
    let variables = and(&bench.env("imds").await, &[("ENTRAKEY_IDENTITY", "managed_identity")]);
    let resolve = format!("{}=127.0.0.1", super::bench::MANAGED);
    let told = run(&variables, &["doctor", &bench.target(), "--resolve", &resolve]).await;
    assert_eq!(told.code, 0, "{}{}", told.text, told.errors);
    assert!(
        told.text.contains("identity managed_identity (environment variable ENTRAKEY_IDENTITY)"),
        "{}",
        told.text
    );
    assert!(told.text.contains("No problem was found.") && told.text.contains("TLS 1.3"), "{}", told.text);
    let typed = ["doctor", &bench.target(), "--resolve", &resolve, "--identity", "managed_identity"];
    let told = run(&variables, &typed).await;
    assert!(told.text.contains("identity managed_identity (given to the command)"), "{}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_watched_to_its_end() {
    let options = Options::default().with_token_lifetime(WATCHED);
    let bench = Bench::with(options).await;
    let told = bench.doctor(&["--watch"]).await;
    assert_eq!(
        (told.code, told.step("rotation")["verdict"].as_str()),
        (0, Some("ok")),
        "{}{}",
        told.text,
        told.errors
    );
    assert_eq!(told.ids("rotation", "notes"), ["closes_without_reauth"], "row 8: {}", told.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_makes_no_sense_ends_with_2_and_says_so() {
    let help = run(&Vec::new(), &["doctor", "--help"]).await.text;
    assert!(
        help.contains("2  usage") && !help.contains("3  "),
        "what it ends with, and nothing else: {help}"
    );
    for arguments in [&["doctor", "redis://x"][..], &["doctor", CLASSIC, "--resolve", "x"]] {
        let told = run(&Vec::new(), arguments).await;
        assert_eq!(told.code, 2, "{}", told.errors);
        assert!(told.errors.contains("HOST") || told.errors.contains("NAME=ADDRESS"), "{}", told.errors);
    }
}
