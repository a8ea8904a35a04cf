//! How fast leases are made and taken back where Azure answers at once, beside the same commits made bare on SQLite: for
//! scripts/bench/leases.py. Prints leases a second of both, in turns.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use entrakey_core::Config;
use entrakey_leases::{
    Answer, Azure, Call, Caller, Clock, Grant, Manager, Place, Plan, Request, SecretPlan, SignIn, Store,
    Unanswered, Waits, What,
};
use entrakey_service::{Format, Log, Severity};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};
use zeroize::Zeroizing;

/// At a time, as many as one application may have.
const TOGETHER: usize = 100;
const ROUNDS: usize = 5;
const LEASES: usize = 1000;
/// intent, created, active, revoking, revoked.
const COMMITS: usize = 5;

struct AtOnce(AtomicU64);

#[async_trait::async_trait]
impl Azure for AtOnce {
    async fn call(&self, call: Call) -> Result<Answer, Unanswered> {
        let number = self.0.fetch_add(1, Relaxed);
        let body = match call.path.ends_with("/addPassword") {
            true => {
                let asked = call.body.expect("what is wanted");
                let asked: serde_json::Value = serde_json::from_slice(&asked).unwrap();
                let end = &asked["passwordCredential"]["endDateTime"];
                format!(
                    r#"{{"keyId":"{number}","secretText":"0123456789012345678901234567890123456789","endDateTime":{end}}}"#
                )
            }
            false => String::from(r#"{"passwordCredentials":[]}"#),
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let date_ms = Some(i64::try_from(now).unwrap());
        let body = Zeroizing::new(body.into_bytes());
        Ok(Answer { status: 200, body, retry_after: None, date_ms, request_id: Some(number.to_string()) })
    }

    async fn sign_in(&self, _: &str, _: &Zeroizing<String>, _: &str) -> SignIn {
        SignIn::Taken
    }
}

fn plan() -> Plan {
    let secret = SecretPlan {
        name: "orders".to_owned(),
        prefix: "orders-".to_owned(),
        default_ttl: Duration::from_secs(3600),
        max_ttl: Duration::from_secs(7200),
        most_leases: 1000,
        identity: Config::new(),
        tenant_id: Some("t".to_owned()),
        what: What::ApplicationPassword { application_id: "app".to_owned(), scope: "s".to_owned() },
    };
    Plan {
        installation: "bench".to_owned(),
        is_named: true,
        secrets: BTreeMap::from([("orders".to_owned(), secret)]),
        clients: Vec::new(),
        waits: Waits::default(),
        propagation: Duration::from_secs(80),
        keep: None,
    }
}

/// Leases a second: each is made and revoked.
async fn ours(folder: &Path, round: usize) -> f64 {
    let path = folder.join(format!("ours-{round}.db"));
    let store = Store::open(Place::File(path), true).await.unwrap();
    let log = Log::to_stderr(Format::Human, Severity::Error).unwrap();
    let azure = |_: &SecretPlan| Ok(Arc::new(AtOnce(AtomicU64::new(0))) as Arc<dyn Azure>);
    let manager = Manager::new(plan(), store, Arc::new(Clock::system()), log, azure).unwrap();
    let running = tokio::spawn(manager.clone().run());
    let since = Instant::now();
    let tasks: Vec<_> = (0..TOGETHER)
        .map(|_| {
            let manager = manager.clone();
            tokio::spawn(async move {
                let caller = Caller { name: "token:bench".to_owned(), grants: vec![Grant::everything()] };
                for _ in 0..LEASES / TOGETHER {
                    let request = Request { secret: "orders".to_owned(), ..Request::default() };
                    let (lease, _) = manager.create(&caller, request).await.unwrap();
                    let lease = manager.revoke(&caller, &lease.id).await.unwrap();
                    assert!(lease.state.is_over(), "{lease:?}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let rate = LEASES as f64 / since.elapsed().as_secs_f64();
    running.abort();
    rate
}

/// The same rows, by one writer that does nothing else: five commits a lease, each of a row and its line of audit.
fn bare(folder: &Path, round: usize) -> f64 {
    let connection = rusqlite::Connection::open(folder.join(format!("bare-{round}.db"))).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    let tables = "CREATE TABLE leases (id TEXT PRIMARY KEY, state TEXT, due_ms BIGINT, key_id TEXT, version BIGINT, rest TEXT);
                  CREATE INDEX leases_due ON leases (due_ms) WHERE due_ms IS NOT NULL;
                  CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms BIGINT, event TEXT, lease TEXT, rest TEXT)";
    connection.execute_batch(tables).unwrap();
    let (rest, since) = ("x".repeat(200), Instant::now());
    for lease in 0..LEASES {
        let id = format!("orders-{lease:020}");
        for step in 0..COMMITS {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            let sql = match step {
                0 => "INSERT INTO leases VALUES (?1, ?2, 1, NULL, 0, ?3)",
                _ => "UPDATE leases SET state = ?2, version = version + 1, rest = ?3 WHERE id = ?1",
            };
            connection.prepare_cached(sql).unwrap().execute((&id, "state", &rest)).unwrap();
            let sql = "INSERT INTO audit (at_ms, event, lease, rest) VALUES (1, ?2, ?1, ?3)";
            connection.prepare_cached(sql).unwrap().execute((&id, "event", &rest[..80])).unwrap();
            connection.execute_batch("COMMIT").unwrap();
        }
    }
    LEASES as f64 / since.elapsed().as_secs_f64()
}

fn main() {
    let folder = std::path::PathBuf::from(std::env::args().nth(1).expect("a folder on a disk"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for round in 0..ROUNDS {
        let (ours, bare) = (runtime.block_on(ours(&folder, round)), bare(&folder, round));
        println!("{ours:.0} {bare:.0}");
    }
}
