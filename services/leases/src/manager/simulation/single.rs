//! Histories that a throw of dice does not find: clocks that are wrong, a configuration that changes, a process that is held up.

use super::azure::{Simulated, World};
use super::*;
use crate::azure::{Answer, Azure, Call, SignIn, Unanswered};
use zeroize::Zeroizing;

const DAY_MS: i64 = 86_400_000;

struct Setting {
    plan: Plan,
    store: Store,
    world: Arc<Mutex<World>>,
}

/// Azure, where making an assignment takes so long.
struct Slow(Simulated, Duration);

#[async_trait::async_trait]
impl Azure for Slow {
    async fn call(&self, call: Call) -> Result<Answer, Unanswered> {
        if call.method == "PUT" {
            sleep(self.1).await;
        }
        self.0.call(call).await
    }

    async fn sign_in(&self, application: &str, secret: &Zeroizing<String>, scope: &str) -> SignIn {
        self.0.sign_in(application, secret, scope).await
    }
}

impl Setting {
    fn new() -> Self {
        EPOCH.set((START_MS, None));
        let mut world = World::new(1);
        world.calm();
        let mut plan = plan(&mut Rng::with_seed(1));
        plan.waits = Waits { intent_ms: 90_000, between_misses_ms: 20_000 };
        let runtime = process();
        let store = runtime.block_on(Store::open(Place::Memory, false)).unwrap();
        end(runtime);
        Self { plan, store, world: Arc::new(Mutex::new(world)) }
    }

    /// One process: its manager does what is due while `deeds` are done.
    fn live<D: Future>(
        &self,
        wall_ms: fn() -> i64,
        put: Duration,
        deeds: impl FnOnce(Arc<Manager>) -> D,
    ) -> D::Output {
        let runtime = process();
        let outcome = runtime.block_on(async {
            let clock = Arc::new(Clock::new(Sources { monotonic, wall_ms }));
            let log = Log::to_stderr(Format::Human, Severity::Error).unwrap();
            let azure =
                |_: &SecretPlan| Ok(Arc::new(Slow(Simulated(self.world.clone()), put)) as Arc<dyn Azure>);
            let manager = Manager::new(self.plan.clone(), self.store.clone(), clock, log, azure).unwrap();
            tokio::spawn(manager.clone().run());
            deeds(manager).await
        });
        end(runtime);
        outcome
    }

    /// The id of a lease of access to the cache.
    fn lend(&self, ttl: &str) -> String {
        self.lent(access(ttl))
    }

    fn lent(&self, request: Request) -> String {
        self.live(now_ms, Duration::ZERO, |manager| async move {
            manager.create(&caller(), request).await.map_err(|denied| denied.message).unwrap().0.id
        })
    }

    fn wait(&self, wall_ms: fn() -> i64, seconds: u64) {
        self.live(wall_ms, Duration::ZERO, |_| sleep(Duration::from_secs(seconds)));
    }

    fn assignments(&self) -> Vec<String> {
        self.world.lock().unwrap().assignments.values().map(|one| one.object_id.clone()).collect()
    }

    fn known(&self, id: &str) -> Option<crate::lease::Lease> {
        let runtime = process();
        let lease = runtime.block_on(self.store.lease(id)).unwrap();
        end(runtime);
        lease
    }

    fn is_known(&self, id: &str) -> bool {
        self.known(id).is_some()
    }

    fn lease(&self, id: &str) -> crate::lease::Lease {
        self.known(id).unwrap()
    }
}

fn access(ttl: &str) -> Request {
    Request {
        secret: "access".to_owned(),
        ttl: Some(ttl.to_owned()),
        user: Some("oid-1".to_owned()),
        idempotency_key: None,
    }
}

#[test]
fn a_clock_that_is_a_day_behind_lets_nothing_live_longer() {
    let setting = Setting::new();
    let id = setting.lend("60");
    setting.wait(|| now_ms() - DAY_MS, 200);
    assert_eq!(setting.assignments(), [FOREIGN], "{:?}", setting.lease(&id));
}

#[test]
fn what_is_long_over_is_forgotten_by_azures_clock_and_by_no_other() {
    let mut setting = Setting::new();
    setting.plan.keep = Some(Duration::from_secs(3 * 86_400));
    let old = setting.lend("60");
    setting.wait(now_ms, 200);
    assert!(setting.lease(&old).state.is_over());
    let id = setting.lend("600");
    // This machine believes that all of it is of last year.
    setting.wait(|| now_ms() + 400 * DAY_MS, 400);
    assert!(setting.is_known(&old));
    // Nobody has asked Azure for days.
    setting.wait(now_ms, 4 * 86_400);
    assert!(setting.is_known(&old) && setting.lease(&id).state.is_over());
    setting.lend("60");
    setting.wait(now_ms, 200);
    assert!(!setting.is_known(&old) && !setting.is_known(&id), "the time was asked for");
    let runtime = process();
    let told = AuditFilter { event: Some("forgotten".to_owned()), ..AuditFilter::default() };
    let told = runtime.block_on(setting.store.audit(&told, 10)).unwrap();
    end(runtime);
    let details: Vec<_> = told.iter().filter_map(|row| row.detail.as_deref()).collect();
    assert!(details.len() == 1 && details[0].starts_with("2 leases and "), "{details:?}");
}

#[test]
fn a_clock_that_is_a_day_ahead_takes_nothing_away_before_its_time() {
    let setting = Setting::new();
    let id = setting.lend("600");
    setting.wait(|| now_ms() + DAY_MS, 200);
    assert!(setting.assignments().contains(&"oid-1".to_owned()), "{:?}", setting.lease(&id));
    setting.wait(|| now_ms() + DAY_MS, 500);
    assert_eq!(setting.assignments(), [FOREIGN]);
}

#[test]
fn a_lease_is_taken_back_where_it_was_made_whatever_the_configuration_says_now() {
    let mut setting = Setting::new();
    let id = setting.lend("60");
    setting.plan.installation = "renamed".to_owned();
    if let Some(What::RedisAccess { cache, .. }) =
        setting.plan.secrets.get_mut("access").map(|one| &mut one.what)
    {
        *cache = cache.replace("redisEnterprise/c", "redis/another");
    }
    setting.wait(now_ms, 300);
    assert_eq!(setting.assignments(), [FOREIGN], "{:?}", setting.lease(&id));
    assert_eq!(setting.lease(&id).state.name(), "revoked");
}

#[test]
fn a_lease_of_another_kind_than_its_secret_is_now_is_kept_until_the_configuration_knows_it() {
    let mut setting = Setting::new();
    let id = setting.lend("60");
    let user = setting.plan.secrets["user"].what.clone();
    let access = setting.plan.secrets.get_mut("access").unwrap();
    let before = std::mem::replace(&mut access.what, user);
    setting.wait(now_ms, 300);
    let lease = setting.lease(&id);
    assert!(!lease.state.is_over(), "{lease:?}");
    assert!(lease.last_error.unwrap().contains("put the old one back"));
    setting.plan.secrets.get_mut("access").unwrap().what = before;
    setting.wait(now_ms, 600);
    assert_eq!(setting.assignments(), [FOREIGN]);
}

#[test]
fn a_lease_of_another_tenant_than_its_secret_is_of_now_is_kept_until_the_configuration_knows_it() {
    let mut setting = Setting::new();
    let id = setting.lend("60");
    setting.plan.secrets.get_mut("access").unwrap().tenant_id = Some("another".to_owned());
    setting.wait(now_ms, 300);
    let lease = setting.lease(&id);
    assert!(!lease.state.is_over(), "{lease:?}");
    assert!(lease.last_error.unwrap().contains("is of tenant another now, and this lease is of tenant t: "));
    setting.plan.secrets.get_mut("access").unwrap().tenant_id = Some("T".to_owned());
    setting.wait(now_ms, 600);
    assert_eq!(setting.assignments(), [FOREIGN]);
}

#[test]
fn what_is_made_after_it_was_given_up_is_taken_back() {
    let setting = Setting::new();
    let held_up = Duration::from_secs(1000);
    let denied = setting.live(now_ms, held_up, |manager| async move {
        let outcome = manager.create(&caller(), access("600")).await;
        sleep(Duration::from_secs(300)).await;
        outcome.map(|(lease, _)| lease).unwrap_err()
    });
    let lease = setting.lease(&denied.lease.unwrap());
    assert_eq!(setting.assignments(), [FOREIGN], "{lease:?}");
    assert_eq!((lease.state.name(), lease.reason.as_deref()), ("revoked", Some("made too late")));
}

/// From now on the database takes nothing, as on a full disk, or takes everything again.
fn fill(setting: &Setting, is_full: bool) {
    let sql = match is_full {
        true => "CREATE TRIGGER full BEFORE UPDATE ON leases BEGIN SELECT RAISE(ABORT, 'full'); END",
        false => "DROP TRIGGER full",
    };
    let runtime = process();
    runtime.block_on(setting.store.execute(sql));
    end(runtime);
}

#[test]
fn what_is_over_does_not_wait_for_a_database_that_takes_nothing() {
    let setting = Setting::new();
    let (access, password) = (setting.lend("60"), setting.lent(password("ada")));
    let handed_out = setting.world.lock().unwrap().passwords["oid-of-ada"].clone();
    fill(&setting, true);
    setting.wait(now_ms, 300);
    assert_eq!(setting.assignments(), [FOREIGN]);
    let set = setting.world.lock().unwrap().all_secrets.clone();
    assert!(set.len() == 2 && set.last() != Some(&handed_out), "once: nobody notes it");
    fill(&setting, false);
    setting.wait(now_ms, 300);
    for id in [&access, &password] {
        assert_eq!(setting.lease(id).state.name(), "revoked", "and it is noted later");
    }
}

fn password(user: &str) -> Request {
    let (secret, user) = ("user".to_owned(), Some(user.to_owned()));
    Request { secret, ttl: Some("60".to_owned()), user, idempotency_key: None }
}

#[test]
fn a_user_that_is_renamed_meanwhile_does_not_keep_the_password() {
    let setting = Setting::new();
    let id = setting.lent(password("ada"));
    let handed_out = {
        let mut world = setting.world.lock().unwrap();
        let object_id = world.users.remove("ada").unwrap();
        world.users.insert("ada.lovelace".to_owned(), object_id);
        world.passwords.values().next().unwrap().clone()
    };
    setting.wait(now_ms, 600);
    assert_eq!(setting.lease(&id).state.name(), "revoked");
    let world = setting.world.lock().unwrap();
    assert!(!world.passwords.values().any(|one| *one == handed_out), "it is taken still");
}

#[test]
fn a_user_that_is_listed_by_name_and_by_object_id_is_one() {
    let mut setting = Setting::new();
    let users = vec!["ada".to_owned(), "oid-of-ada".to_owned()];
    setting.plan.secrets.get_mut("user").unwrap().what = What::UserPassword { users };
    setting.lent(password("ada"));
    let again = setting.live(now_ms, Duration::ZERO, |manager| async move {
        manager.create(&caller(), password("oid-of-ada")).await.map(|(lease, _)| lease).unwrap_err()
    });
    assert_eq!((again.status, again.code.as_str()), (409, "in_use"));
}
