//! What the store promises, on SQLite and on PostgreSQL.

mod postgresql;

use super::*;
use crate::access::{Grant, Role};
use crate::lease::tests::lease;
use crate::lease::{Kind, State};
use postgresql::Server;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

fn of(id: &str, change: impl Fn(&mut Lease)) -> Lease {
    let mut lease = lease(State::Intent);
    (lease.id, lease.display_name) = (id.to_owned(), format!("entrakey/test/{id}"));
    change(&mut lease);
    lease
}

fn entry(lease: &Lease, event: &str) -> Entry {
    Entry {
        at_ms: 5,
        event: event.to_owned(),
        actor: "token:ci".to_owned(),
        lease: Some(lease.id.clone()),
        secret: Some(lease.secret.clone()),
        ..Entry::default()
    }
}

async fn begin(store: &Store, lease: &Lease) -> Result<(), NotBegun> {
    store.begin(lease, 100, &entry(lease, "intent")).await
}

async fn events(store: &Store) -> usize {
    store.audit(&AuditFilter::default(), 1000).await.unwrap().len()
}

async fn what_is_noted_comes_back(store: &Store) {
    let mut lease = of("whole", |lease| {
        lease.key_id = Some("k".to_owned());
        lease.idempotency = Some("i".to_owned());
        lease.owner = Some("o".to_owned());
        lease.tenant = Some("t".to_owned());
        lease.claimed_until_ms = 7;
        lease.max_expires_ms = i64::MAX;
    });
    begin(store, &lease).await.unwrap();
    assert_eq!(store.lease("whole").await.unwrap().as_ref(), Some(&lease));
    lease.state = State::Active;
    lease.reason = Some("it's \"quoted\" ☃".to_owned());
    let step = entry(&lease, "active");
    store.save(&mut lease, Some(&step)).await.unwrap();
    assert_eq!(store.lease("whole").await.unwrap().as_ref(), Some(&lease));
    assert_eq!(store.by_display_name("entrakey/test/whole").await.unwrap().as_ref(), Some(&lease));
    assert!(store.lease("nobody").await.unwrap().is_none());
}

async fn nobody_overwrites_what_somebody_else_has_changed(store: &Store) {
    let lease = of("twice", |_| ());
    begin(store, &lease).await.unwrap();
    let (mut one, mut other) = (lease.clone(), lease.clone());
    one.state = State::Active;
    let step = entry(&one, "active");
    store.save(&mut one, Some(&step)).await.unwrap();
    let before = events(store).await;
    other.state = State::Failed;
    let outcome = store.save(&mut other, Some(&entry(&lease, "failed"))).await;
    assert!(matches!(outcome, Err(None)), "{outcome:?}");
    assert_eq!(store.lease("twice").await.unwrap().unwrap().state, State::Active);
    assert_eq!(events(store).await, before, "a step that was not taken is not in the audit");
}

async fn there_are_as_many_as_there_may_be(store: &Store) {
    let all: Vec<_> = (0..20)
        .map(|at| {
            let store = store.clone();
            tokio::spawn(async move {
                let lease = of(&format!("cap-{at}"), |lease| lease.secret = "capped".to_owned());
                store.begin(&lease, 5, &entry(&lease, "intent")).await
            })
        })
        .collect();
    let (mut begun, mut refused) = (0, 0);
    for one in all {
        match one.await.unwrap() {
            Ok(()) => begun += 1,
            Err(NotBegun::TooMany) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert_eq!((begun, refused), (5, 15));
    assert_eq!(store.living("capped").await.unwrap(), 5);
    let filter = AuditFilter { secret: Some("capped".to_owned()), ..AuditFilter::default() };
    assert_eq!(store.audit(&filter, 100).await.unwrap().len(), 5);
}

async fn of_a_user_there_is_one_at_a_time(store: &Store) {
    let of_ada = |id: &str, key: Option<&str>| {
        of(id, |lease| {
            lease.kind = Kind::UserPassword;
            lease.target = "ada".to_owned();
            lease.idempotency = key.map(str::to_owned);
        })
    };
    let mut first = of_ada("ada-1", Some("k"));
    begin(store, &first).await.unwrap();
    assert!(matches!(begin(store, &of_ada("ada-2", None)).await, Err(NotBegun::Taken)));
    let again = begin(store, &of_ada("ada-3", Some("k"))).await;
    assert!(matches!(&again, Err(NotBegun::Repeated(known)) if known.id == "ada-1"), "{again:?}");
    first.end(State::Revoked);
    store.save(&mut first, None).await.unwrap();
    begin(store, &of_ada("ada-4", None)).await.unwrap();
    let again = begin(store, &of_ada("ada-5", Some("k"))).await;
    assert!(matches!(&again, Err(NotBegun::Repeated(known)) if known.id == "ada-1"), "also when it is over");
    begin(store, &of("app-1", |lease| lease.target = "ada".to_owned())).await.unwrap();
}

async fn what_is_due_is_claimed_once(store: &Store) {
    for at in 0..30 {
        let lease = of(&format!("due-{at}"), |lease| {
            lease.due_ms = Some(-1000 + at);
            lease.claimed_until_ms = -1000;
        });
        begin(store, &lease).await.unwrap();
    }
    let claims: Vec<_> = (0..6)
        .map(|owner| {
            let store = store.clone();
            tokio::spawn(async move { store.claim(&format!("o{owner}"), -500, 100, 5).await.unwrap().leases })
        })
        .collect();
    let mut claimed = Vec::new();
    for claim in claims {
        claimed.extend(claim.await.unwrap().into_iter().map(|lease| lease.id));
    }
    claimed
        .extend(store.claim("late", -500, 100, 100).await.unwrap().leases.into_iter().map(|lease| lease.id));
    claimed.sort();
    let mut once = claimed.clone();
    once.dedup();
    assert_eq!((claimed.len(), once.len()), (30, 30));
    assert!(
        store
            .claim("x", 99, 200, 100)
            .await
            .unwrap()
            .leases
            .iter()
            .all(|lease| !lease.id.starts_with("due-"))
    );
    let after = store.claim("heir", 100, 300, 100).await.unwrap().leases;
    let heirs: Vec<_> = after.iter().filter(|lease| lease.id.starts_with("due-")).collect();
    assert_eq!(heirs.len(), 30, "whoever had claimed them is gone");
    assert!(
        heirs.iter().all(|lease| lease.owner.as_deref() == Some("heir") && lease.claimed_until_ms == 300)
    );
    let mut ended = heirs[0].clone().clone();
    ended.end(State::Revoked);
    store.save(&mut ended, None).await.unwrap();
    assert!(store.claim("x", 1000, 2000, 100).await.unwrap().leases.iter().all(|lease| lease.id != ended.id));
}

async fn pages_follow_each_other_without_a_gap(store: &Store) {
    for at in 0..7 {
        // Some of the same millisecond.
        let lease = of(&format!("page-{at}"), |lease| {
            lease.secret = "paged".to_owned();
            lease.created_ms = 100 + at / 3;
            lease.holder = if at < 2 { "me" } else { "other" }.to_owned();
        });
        begin(store, &lease).await.unwrap();
    }
    let filter = LeaseFilter { secret: Some("paged".to_owned()), ..LeaseFilter::default() };
    let all: Vec<_> = store.leases(&filter, 100).await.unwrap().into_iter().map(|lease| lease.id).collect();
    assert_eq!(all, ["page-6", "page-5", "page-4", "page-3", "page-2", "page-1", "page-0"]);
    let (mut paged, mut after) = (Vec::new(), None);
    loop {
        let page = store.leases(&LeaseFilter { after: after.clone(), ..filter.clone() }, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.created_ms, last.id.clone()));
        paged.extend(page.into_iter().map(|lease| lease.id));
    }
    assert_eq!(paged, all);
    let mine = Some((BTreeSet::from(["else".to_owned()]), "me".to_owned()));
    let mine = store.leases(&LeaseFilter { visible: mine, ..filter.clone() }, 100).await.unwrap();
    assert_eq!(mine.len(), 2);
    let listed = Some((BTreeSet::from(["paged".to_owned()]), "me".to_owned()));
    assert_eq!(store.leases(&LeaseFilter { visible: listed, ..filter.clone() }, 100).await.unwrap().len(), 7);
    let living = LeaseFilter { state: Some("living".to_owned()), ..filter.clone() };
    assert_eq!(store.leases(&living, 100).await.unwrap().len(), 7);
    let active = LeaseFilter { state: Some("active".to_owned()), ..filter };
    assert!(store.leases(&active, 100).await.unwrap().is_empty());
}

async fn the_audit_trail_is_found_by_what_is_asked(store: &Store) {
    let lease = of("told", |lease| lease.secret = "told".to_owned());
    begin(store, &lease).await.unwrap();
    for (at, event) in ["created", "active", "renewed", "revoking", "revoked"].into_iter().enumerate() {
        let at_ms = 10 + i64::try_from(at).unwrap();
        store.note(&Entry { at_ms, actor: "service".to_owned(), ..entry(&lease, event) }).await.unwrap();
    }
    let of = |change: &dyn Fn(&mut AuditFilter)| {
        let mut filter = AuditFilter { lease: Some("told".to_owned()), ..AuditFilter::default() };
        change(&mut filter);
        let store = store.clone();
        async move {
            let rows = store.audit(&filter, 100).await.unwrap();
            rows.into_iter().map(|row| row.event).collect::<Vec<_>>()
        }
    };
    assert_eq!(of(&|_| ()).await, ["revoked", "revoking", "renewed", "active", "created", "intent"]);
    assert_eq!(of(&|filter| filter.actor = Some("token:ci".to_owned())).await, ["intent"]);
    assert_eq!(of(&|filter| filter.event = Some("active".to_owned())).await, ["active"]);
    assert_eq!(of(&|filter| filter.since_ms = Some(13)).await, ["revoked", "revoking"]);
    assert!(of(&|filter| filter.visible = Some(BTreeSet::new())).await.is_empty());
    assert_eq!(of(&|filter| filter.visible = Some(BTreeSet::from(["told".to_owned()]))).await.len(), 6);
    let filter = AuditFilter { lease: Some("told".to_owned()), ..AuditFilter::default() };
    let first = store.audit(&filter, 4).await.unwrap();
    let before = first.last().map(|row| row.number);
    assert_eq!(store.audit(&AuditFilter { before, ..filter }, 4).await.unwrap().len(), 2);
}

async fn a_text_that_no_row_can_have_is_found_nowhere(store: &Store) {
    let filter = LeaseFilter { secret: Some("a\0b".to_owned()), ..LeaseFilter::default() };
    assert_eq!(store.leases(&filter, 10).await, Ok(Vec::new()));
    assert_eq!(store.lease("a\0b").await, Ok(None));
    let mut lease = of("azure-says-anything", |_| ());
    begin(store, &lease).await.unwrap();
    lease.last_error = Some("no\0".to_owned());
    store.save(&mut lease, None).await.unwrap();
}

async fn a_row_that_cannot_be_read_keeps_nobody_from_the_others(store: &Store) {
    for id in ["odd-1", "odd-2"] {
        let lease = of(id, |lease| {
            (lease.secret, lease.due_ms, lease.claimed_until_ms) = ("odd".to_owned(), Some(-9000), -9000);
        });
        begin(store, &lease).await.unwrap();
    }
    let spoil = "UPDATE leases SET kind = 'of a later version' WHERE id = 'odd-1'";
    store.run(vec![Statement::new(spoil, vec![])]).await.unwrap();
    let claimed = store.claim("o", -8000, 100, 100).await.unwrap();
    let ids: Vec<_> = claimed.leases.iter().map(|lease| lease.id.as_str()).collect();
    assert_eq!((ids, claimed.unreadable), (vec!["odd-2"], vec!["odd-1".to_owned()]));
    let filter = LeaseFilter { secret: Some("odd".to_owned()), ..LeaseFilter::default() };
    assert_eq!(store.leases(&filter, 10).await.unwrap().len(), 1);
    assert!(store.lease("odd-1").await.unwrap_err().contains("cannot be read"));
    store.run(vec![Statement::new("DELETE FROM leases WHERE secret = 'odd'", vec![])]).await.unwrap();
}

async fn a_token_is_known_by_its_hash_until_it_ends_or_is_revoked(store: &Store) {
    let grant =
        Grant { secrets: BTreeSet::from(["orders".to_owned()]), roles: BTreeSet::from([Role::Issue]) };
    let row = TokenRow { name: "ci".to_owned(), grant: grant.clone(), created_ms: 1, expires_ms: Some(1000) };
    store.add_token("ekl_x", &row, &Entry::default()).await.unwrap();
    assert!(
        store
            .add_token("ekl_y", &row, &Entry::default())
            .await
            .unwrap_err()
            .contains("there is a token \"ci\"")
    );
    let caller = store.caller("ekl_x", 999).await.unwrap().unwrap();
    assert_eq!((caller.name.as_str(), caller.grants), ("token:ci", vec![grant]));
    assert!(store.caller("ekl_x", 1000).await.unwrap().is_none(), "it has ended");
    assert!(store.caller("ekl_z", 1).await.unwrap().is_none());
    assert_eq!(store.tokens().await.unwrap(), [row]);
    assert!(store.remove_token("ci", &Entry::default()).await.unwrap());
    assert!(!store.remove_token("ci", &Entry::default()).await.unwrap());
    assert!(store.caller("ekl_x", 1).await.unwrap().is_none());
}

async fn all(store: &Store) {
    what_is_noted_comes_back(store).await;
    nobody_overwrites_what_somebody_else_has_changed(store).await;
    there_are_as_many_as_there_may_be(store).await;
    of_a_user_there_is_one_at_a_time(store).await;
    what_is_due_is_claimed_once(store).await;
    pages_follow_each_other_without_a_gap(store).await;
    the_audit_trail_is_found_by_what_is_asked(store).await;
    a_token_is_known_by_its_hash_until_it_ends_or_is_revoked(store).await;
    a_row_that_cannot_be_read_keeps_nobody_from_the_others(store).await;
    a_text_that_no_row_can_have_is_found_nowhere(store).await;
    what_is_long_over_is_forgotten_with_its_trail_and_nothing_else(store).await;
}

async fn what_is_long_over_is_forgotten_with_its_trail_and_nothing_else(store: &Store) {
    const OLD_MS: i64 = -1_000_000; // before whatever the others have made
    let at = |id: &str, created_ms, due_ms| {
        of(id, |lease| {
            (lease.secret, lease.due_ms) = ("old".to_owned(), due_ms);
            (lease.created_ms, lease.max_expires_ms) = (created_ms, created_ms + 10);
        })
    };
    // More than are forgotten at a time.
    let over: Vec<_> = (0..501).map(|number| at(&format!("over-{number}"), OLD_MS, None)).collect();
    let living = at("old-and-alive", OLD_MS, Some(OLD_MS));
    let young = at("young", OLD_MS + 95, None);
    for lease in over.iter().chain([&living, &young]) {
        store.begin(lease, 1000, &entry(lease, "intent")).await.unwrap();
    }
    let of_no_lease = |at_ms| Entry { at_ms, event: "token_created".to_owned(), ..Entry::default() };
    store.note(&of_no_lease(OLD_MS)).await.unwrap();
    store.note(&of_no_lease(OLD_MS + 100)).await.unwrap();
    let (before, trail) = (store.leases(&LeaseFilter::default(), 5000).await.unwrap().len(), 5000);
    let rows = store.audit(&AuditFilter::default(), trail).await.unwrap().len();
    let forgotten = store.forget(OLD_MS + 100).await.unwrap();
    assert_eq!(forgotten, Forgotten { leases: 501, rows: 502 });
    assert_eq!(store.leases(&LeaseFilter::default(), 5000).await.unwrap().len(), before - 501);
    assert_eq!(store.audit(&AuditFilter::default(), trail).await.unwrap().len(), rows - 502);
    for lease in [&living, &young] {
        assert!(store.lease(&lease.id).await.unwrap().is_some(), "{}", lease.id);
        let filter = AuditFilter { lease: Some(lease.id.clone()), ..AuditFilter::default() };
        assert_eq!(store.audit(&filter, trail).await.unwrap().len(), 1, "{}", lease.id);
    }
    assert_eq!(store.forget(OLD_MS + 100).await.unwrap(), Forgotten::default());
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("entrakey-{}", crate::names::random_id("").unwrap()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn open(path: &Path, serves: bool) -> Result<Store, String> {
    Store::open(Place::File(path.to_owned()), serves).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_what_the_store_promises() {
    let folder = Folder::new();
    let path = folder.0.join("leases.db");
    all(&open(&path, true).await.unwrap()).await;
    let again = open(&path, true).await.unwrap();
    assert!(again.lease("whole").await.unwrap().is_some());
    let owned = again.leases(&LeaseFilter::default(), 1000).await.unwrap();
    assert!(owned.iter().all(|lease| lease.owner.is_none()), "whoever worked on them was in another process");
}

#[tokio::test]
async fn a_file_is_for_its_user_and_for_one_service() {
    let folder = Folder::new();
    let path = folder.0.join("leases.db");
    let first = open(&path, true).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&folder.0.join("leases.db-wal")), 0o600);
    let second = open(&path, true).await.err().unwrap();
    assert!(second.contains("another service has it open"), "{second}");
    open(&path, false).await.unwrap(); // to make a token
    drop(first);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let refused = open(&path, false).await.err().unwrap();
    assert!(refused.contains("chmod 600"), "{refused}");
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let store = Store::open(Place::Memory, false).await.unwrap();
    let newer = Statement::new("INSERT INTO entrakey_schema (version) VALUES (99)", vec![]);
    store.run(vec![newer]).await.unwrap();
    let refused = schema::migrate(store.database.as_ref()).await.unwrap_err().to_string();
    assert!(refused.contains("newer version"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn postgresql_keeps_what_the_store_promises() {
    let server = Server::start();
    // Replicas that start together make the tables once.
    let opened: Vec<_> = (0..3).map(|_| tokio::spawn(Store::open(server.place(), true))).collect();
    let mut stores = Vec::new();
    for one in opened {
        stores.push(one.await.unwrap().unwrap());
    }
    all(&stores[0]).await;
    // Writing for an application is for one of them at a time.
    let held = stores[0].hold("application a").await.unwrap();
    let other = stores[1].clone();
    let waiting = tokio::spawn(async move { other.hold("application a").await.map(drop) });
    drop(stores[2].hold("application b").await.unwrap());
    assert!(!waiting.is_finished());
    drop(held);
    waiting.await.unwrap().unwrap();
    // A server that was away is found again.
    server.cut_off();
    let mut tries = 0;
    while stores[0].lease("whole").await.is_err() {
        tries += 1;
        assert!(tries < 100, "each connection fails once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_connections_and_says_nothing_is_not_waited_for_for_ever() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap(); // the system takes the connections
    let address = format!("postgresql://u@{}/leases", listener.local_addr().unwrap());
    let server = postgres::Postgres::new(&address, None).unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let ask = vec![Statement::new("SELECT 1", vec![])];
    let asked = tokio::time::timeout(hour, server.run(ask)).await.expect("it is waited for still");
    assert!(asked.unwrap_err().to_string().contains("does not answer"));
    let held = tokio::time::timeout(hour, server.hold("x")).await.expect("it is waited for still");
    assert!(held.err().unwrap().to_string().contains("does not answer"));
}

/// A database whose lock somebody else has.
struct Locked;

#[async_trait::async_trait]
impl Database for Locked {
    fn dialect(&self) -> database::Dialect {
        database::Dialect { skip_locked: "", serial: "", queue: None }
    }

    async fn run(&self, _: Vec<Statement>) -> Result<Vec<Vec<Row>>, Failed> {
        Ok(Vec::new())
    }

    async fn hold(&self, _: &str) -> Result<Box<dyn Held>, Failed> {
        std::future::pending().await
    }

    fn is_alone(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn another_replica_that_makes_tables_for_ever_is_said_and_not_waited_for() {
    let hour = std::time::Duration::from_secs(3600);
    let migrated =
        tokio::time::timeout(hour, schema::migrate(&Locked)).await.expect("it is waited for still");
    assert!(migrated.unwrap_err().to_string().contains("another replica"));
}

#[test]
fn a_server_elsewhere_must_speak_tls() {
    let refused = |address: &str| postgres::Postgres::new(address, None).err();
    assert!(refused("postgresql://u:hunter2@db.example/leases").unwrap().contains("sslmode=require"));
    assert!(refused("postgresql://u@db.example/leases?sslmode=require").is_none());
    assert!(refused("postgresql://u@127.0.0.1/leases").is_none());
    let odd = refused("postgresql://u:hunter2@db:port/x").unwrap();
    assert!(!odd.contains("hunter2"), "{odd}");
}
