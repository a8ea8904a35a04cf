//! Random histories of leases at a made-up Azure, on a virtual clock: requests that are lost before or after they took effect,
//! answers that contradict each other, processes that end anywhere. A model says what must hold at the end and on the way.

mod azure;
mod single;

use super::{Manager, Request};
use crate::access::{Caller, Grant};
use crate::api::types::Credential;
use crate::clock::{Clock, Sources};
use crate::lease::Waits;
use crate::plan::{Plan, SecretPlan, What};
use crate::store::{AuditFilter, LeaseFilter, Place, Store};
use azure::{CACHE, FOREIGN, World};
use entrakey_core::Config;
use entrakey_service::{Format, Log, Severity};
use fastrand::Rng;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

const START_MS: i64 = 1_795_000_000_000;

thread_local! {
    /// What the virtual clock said when this runtime began, and when that was.
    static EPOCH: Cell<(i64, Option<Instant>)> = const { Cell::new((START_MS, None)) };
}

/// The virtual time, milliseconds since 1970. It goes on over the ends of processes.
fn now_ms() -> i64 {
    let (base, since) = EPOCH.get();
    let passed = since.map(|since| since.elapsed()).unwrap_or_default();
    base + i64::try_from(passed.as_millis()).unwrap()
}

fn monotonic() -> Duration {
    Duration::from_millis(u64::try_from(now_ms()).unwrap())
}

/// A process's runtime: dropping it is its end, wherever its tasks are.
fn process() -> Runtime {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let base = now_ms();
    runtime.block_on(async { EPOCH.set((base, Some(Instant::now()))) });
    runtime
}

fn end(runtime: Runtime) {
    let now = runtime.block_on(async { now_ms() });
    EPOCH.set((now, None));
    drop(runtime);
}

fn plan(rng: &mut Rng) -> Plan {
    let max_ttl = Duration::from_secs(*rng.choice(&[600, 1800]).unwrap());
    let secret = move |name: &str, what: What| {
        let secret = SecretPlan {
            name: name.to_owned(),
            prefix: format!("{name}-"),
            default_ttl: Duration::from_secs(60),
            max_ttl,
            most_leases: 6,
            identity: Config::new(),
            tenant_id: Some("t".to_owned()),
            what,
        };
        (name.to_owned(), secret)
    };
    let application = What::ApplicationPassword { application_id: "app".to_owned(), scope: "s".to_owned() };
    let access = What::RedisAccess {
        cache: CACHE.to_owned(),
        users: vec!["oid-1".to_owned(), "oid-2".to_owned(), FOREIGN.to_owned()],
        policy: "default".to_owned(),
        access_string: None,
        api_version: None,
    };
    let user = What::UserPassword { users: vec!["ada".to_owned(), "grace".to_owned()] };
    Plan {
        installation: "sim".to_owned(),
        is_named: true,
        secrets: BTreeMap::from([secret("app", application), secret("access", access), secret("user", user)]),
        clients: Vec::new(),
        // As they are, or shorter: then more happens in a history.
        waits: if rng.u8(..4) == 0 {
            Waits::default()
        } else {
            Waits { intent_ms: 90_000, between_misses_ms: 20_000 }
        },
        propagation: Duration::from_secs(80),
        keep: None,
    }
}

/// A credential that somebody has.
#[derive(Clone)]
struct Held {
    id: String,
    expires_ms: i64,
    /// Whoever holds it has asked for its end, or its end is not known to it.
    is_given_up: bool,
    secret: Option<String>,
    target: String,
}

type Model = Arc<Mutex<Vec<Held>>>;

struct History {
    seed: u64,
    rng: Rng,
    world: Arc<Mutex<World>>,
    store: Store,
    plan: Plan,
    model: Model,
    log: Log,
}

fn caller() -> Caller {
    Caller { name: "token:sim".to_owned(), grants: vec![Grant::everything()] }
}

impl History {
    fn manager(&self) -> Arc<Manager> {
        let clock = Arc::new(Clock::new(Sources { monotonic, wall_ms: now_ms }));
        let world = self.world.clone();
        let azure =
            |_: &SecretPlan| Ok(Arc::new(azure::Simulated(world.clone())) as Arc<dyn crate::azure::Azure>);
        Manager::new(self.plan.clone(), self.store.clone(), clock, self.log.clone(), azure).unwrap()
    }

    /// One process, which ends when its time is over.
    fn live(&mut self) {
        let runtime = process();
        let most = *self.rng.choice(&[20_000, 240_000, 2_000_000]).unwrap();
        let life = Duration::from_millis(self.rng.u64(50..most));
        let manager = runtime.block_on(async { self.manager() });
        if self.rng.bool() {
            runtime.block_on(self.store.forget_owners()).unwrap(); // as SQLite's does; PostgreSQL's waits
        }
        let deeds = self.rng.usize(1..7);
        let mut rng = Rng::with_seed(self.rng.u64(..));
        let (model, world) = (self.model.clone(), self.world.clone());
        runtime.block_on(async {
            tokio::spawn(manager.clone().run());
            let acting = async {
                for _ in 0..deeds {
                    act(&manager, &model, &mut rng);
                    let pause = *rng.choice(&[100, 2000, 40_000, 600_000]).unwrap();
                    sleep(Duration::from_millis(rng.u64(..pause))).await;
                    check_holders(&model, &world);
                }
                sleep(Duration::from_secs(100_000)).await;
            };
            let _ = timeout(life, acting).await;
            check_holders(&model, &world);
        });
        end(runtime);
    }

    /// A last process, with an Azure that works, until nothing is left to do.
    fn settle(&mut self) {
        self.world.lock().unwrap().calm();
        let runtime = process();
        runtime.block_on(async {
            let manager = self.manager();
            tokio::spawn(manager.clone().run());
            let begun = now_ms();
            while self.store.next_due().await.unwrap().is_some() {
                sleep(Duration::from_secs(20)).await;
                check_holders(&self.model, &self.world);
                assert!(
                    now_ms() - begun < 3_600_000,
                    "seed {}: after an hour something is left to do",
                    self.seed
                );
            }
        });
        runtime.block_on(self.check_end());
        end(runtime);
    }

    async fn check_end(&self) {
        let seed = self.seed;
        let world = self.world.lock().unwrap().clone();
        let held = self.model.lock().unwrap().clone();
        assert_eq!(
            world.keys.keys().cloned().collect::<Vec<_>>(),
            ["foreign-key"],
            "seed {seed}: a key is left"
        );
        let names: Vec<_> = world.assignments.keys().cloned().collect();
        assert_eq!(names, ["foreign"], "seed {seed}: an assignment is left, or another's is gone");
        for held in &held {
            let secret = held.secret.as_deref();
            assert!(
                !world.passwords.values().any(|password| Some(password.as_str()) == secret),
                "seed {seed}: {}",
                held.id
            );
        }
        let leases = self.store.leases(&LeaseFilter::default(), 10_000).await.unwrap();
        let audit = self.store.audit(&AuditFilter::default(), 100_000).await.unwrap();
        for lease in &leases {
            assert!(lease.state.is_over(), "seed {seed}: {lease:?}");
            let steps: Vec<_> =
                audit.iter().rev().filter(|row| row.lease.as_deref() == Some(&lease.id)).collect();
            let events: Vec<_> = steps.iter().map(|row| row.event.as_str()).collect();
            let is_told = events.first() == Some(&"intent")
                && events.last() == Some(&lease.state.name())
                && (lease.state.name() != "revoked" || events.contains(&"revoking"));
            assert!(is_told, "seed {seed}: {}: {events:?}", lease.id);
        }
        let noted = format!("{leases:?}{audit:?}");
        for secret in &world.all_secrets {
            assert!(!noted.contains(secret.as_str()), "seed {seed}: a secret is in the store");
        }
        let most_ms = i64::try_from(self.plan.secrets["app"].max_ttl.as_millis()).unwrap();
        for key in &world.all_keys {
            let lease = leases.iter().find(|lease| lease.display_name == key.display_name).unwrap();
            assert!(
                key.end_ms <= lease.max_expires_ms && lease.max_expires_ms <= lease.created_ms + most_ms,
                "seed {seed}"
            );
        }
    }
}

/// What is handed out works until its time is over: nobody takes it away before.
fn check_holders(model: &Model, world: &Arc<Mutex<World>>) {
    let world = world.lock().unwrap();
    for held in model.lock().unwrap().iter().filter(|held| !held.is_given_up && held.expires_ms > now_ms()) {
        let works = match (held.id.split('-').next(), held.secret.as_deref()) {
            (Some("app"), Some(secret)) => {
                world.keys.values().any(|key| key.secret == secret && key.end_ms > now_ms())
            }
            (Some("user"), Some(secret)) => world.passwords.get(&held.target).is_some_and(|it| it == secret),
            _ => world.assignments.values().any(|one| one.object_id == held.target),
        };
        assert!(works, "{} was taken away before its time", held.id);
    }
}

/// Somebody does something, beside everybody else.
fn act(manager: &Arc<Manager>, model: &Model, rng: &mut Rng) {
    let (manager, model) = (manager.clone(), model.clone());
    let held = {
        let all = model.lock().unwrap();
        (!all.is_empty()).then(|| all[rng.usize(..all.len())].clone())
    };
    match (rng.u8(..10), held) {
        (0 | 1, Some(held)) => {
            mark(&model, &held.id, |held| held.is_given_up = true);
            tokio::spawn(async move { manager.revoke(&caller(), &held.id).await });
        }
        (2 | 3, Some(held)) => {
            let ttl = rng.u32(1..2000).to_string();
            tokio::spawn(async move {
                if let Ok(lease) = manager.renew(&caller(), &held.id, Some(&ttl)).await {
                    mark(&model, &held.id, |held| held.expires_ms = lease.expires_ms);
                }
            });
        }
        (4, _) => {
            tokio::spawn(async move { manager.reap(false).await });
        }
        _ => {
            let secret = rng.choice(["app", "app", "access", "user"]).unwrap();
            let user = match secret {
                "app" => None,
                "access" => Some(rng.choice(["oid-1", "oid-2", FOREIGN]).unwrap().to_owned()),
                _ => Some(rng.choice(["ada", "grace"]).unwrap().to_owned()),
            };
            let ttl = [rng.u32(1..60), rng.u32(60..600), 600][rng.usize(..3)];
            let request = Request {
                secret: secret.to_owned(),
                ttl: Some(ttl.to_string()),
                user,
                idempotency_key: (rng.u8(..3) == 0).then(|| rng.u8(..3).to_string()),
            };
            let patience = if rng.u8(..3) == 0 { rng.u64(..20_000) } else { 1_000_000 };
            tokio::spawn(async move {
                let asking = async { manager.create(&caller(), request).await };
                if let Ok(Ok((lease, credential))) = timeout(Duration::from_millis(patience), asking).await {
                    let secret = match &credential {
                        Credential::Application { client_secret, .. } => Some(client_secret.to_string()),
                        Credential::User { password, .. } => Some(password.to_string()),
                        Credential::Access { .. } => None,
                    };
                    let target = lease.target.rsplit('|').next().unwrap().to_owned();
                    let held = Held {
                        id: lease.id,
                        expires_ms: lease.expires_ms,
                        is_given_up: false,
                        secret,
                        target,
                    };
                    model.lock().unwrap().push(held);
                }
            });
        }
    }
}

fn mark(model: &Model, id: &str, change: impl Fn(&mut Held)) {
    model.lock().unwrap().iter_mut().filter(|held| held.id == id).for_each(change);
}

fn run(seed: u64, log: &Log) -> usize {
    EPOCH.set((START_MS, None));
    let mut rng = Rng::with_seed(seed);
    let runtime = process();
    let store = runtime.block_on(Store::open(Place::Memory, false)).unwrap();
    end(runtime);
    let plan = plan(&mut rng);
    let world = Arc::new(Mutex::new(World::new(rng.u64(..))));
    let mut history =
        History { seed, world, store, plan, model: Model::default(), log: log.clone(), rng: rng.clone() };
    for _ in 0..rng.usize(1..5) {
        history.live();
    }
    history.settle();
    history.model.lock().unwrap().len()
}

/// `SEED=7 cargo test -p entrakey-leases histories` runs one of them.
#[test]
fn a_thousand_histories_leave_nothing_behind_and_take_nothing_away_before_its_time() {
    const HISTORIES: u64 = 1000;
    const THREADS: usize = 2;
    let log = Log::to_stderr(Format::Human, Severity::Error).unwrap();
    if let Some(seed) = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        run(seed, &log);
        return;
    }
    let some = |first: u64| {
        let log = log.clone();
        let all = move || {
            let mut handed_out = 0;
            for seed in (first..HISTORIES).step_by(THREADS) {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &log)));
                handed_out += outcome.unwrap_or_else(|_| panic!("SEED={seed}"));
            }
            handed_out
        };
        std::thread::spawn(all)
    };
    let threads: Vec<_> = (0..THREADS).map(|first| some(u64::try_from(first).unwrap())).collect();
    let handed_out: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    println!("{HISTORIES} histories, {handed_out} credentials");
    assert!(handed_out > 1000, "too little happens in them: {handed_out}");
}
