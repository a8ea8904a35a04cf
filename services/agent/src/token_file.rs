//! Files that hold a token, for programs that can do no more than read one: PHP, Ruby, cron.
//!
//! A file is replaced as a whole, by a rename: whoever opens it has one token or the next, never parts of two. Readers open
//! it anew for each connection. The file of a token that has expired is removed: a reader that finds none knows more than
//! one that is refused.

use crate::agent::Agent;
use crate::identity::Identity;
use crate::plan::{FileFormat, TokenFilePlan};
use crate::supply::{HandOut, Supply};
use entrakey_core::Token;
use entrakey_service::Severity;
use rustix::fs::{Gid, fchown};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::AbortHandle;

/// After a write that failed, and after a hand-out that did.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Those that are kept.
#[derive(Default)]
pub(crate) struct TokenFiles(Vec<Kept>);

struct Kept {
    plan: TokenFilePlan,
    /// Whose token is written: another provider of the same name is another one.
    of: Weak<Identity>,
    written: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TokenFiles {
    /// Keeps these from now on, and leaves the others as they are.
    pub(crate) fn follow(
        &mut self,
        plans: &[TokenFilePlan],
        identities: &BTreeMap<String, Arc<Identity>>,
        agent: &Arc<Agent>,
    ) {
        let mut before = std::mem::take(&mut self.0);
        for plan in plans {
            let Some(identity) = identities.get(&plan.identity) else { continue };
            let goes_on =
                |kept: &Kept| kept.plan == *plan && std::ptr::eq(kept.of.as_ptr(), Arc::as_ptr(identity));
            let kept = before.iter().position(goes_on).map(|at| before.swap_remove(at));
            self.0.push(kept.unwrap_or_else(|| Kept::begin(plan, identity, agent)));
        }
    }

    pub(crate) fn status(&self) -> Vec<Value> {
        let one = |kept: &Kept| {
            let path = kept.plan.path.display().to_string();
            json!({"path": path, "identity": kept.plan.identity, "version": kept.written.load(Relaxed)})
        };
        self.0.iter().map(one).collect()
    }
}

impl Kept {
    fn begin(plan: &TokenFilePlan, identity: &Arc<Identity>, agent: &Arc<Agent>) -> Self {
        let written = Arc::new(AtomicU64::new(0));
        let keeper = Keeper {
            plan: plan.clone(),
            supply: identity.own.clone(),
            agent: Arc::downgrade(agent),
            written: written.clone(),
        };
        let task = tokio::spawn(keeper.run()).abort_handle();
        Self { plan: plan.clone(), of: Arc::downgrade(identity), written, task }
    }
}

/// What keeps one file.
struct Keeper {
    plan: TokenFilePlan,
    supply: Arc<Supply>,
    agent: Weak<Agent>,
    written: Arc<AtomicU64>,
}

impl Keeper {
    async fn run(self) {
        let mut news = self.supply.news();
        let mut is_told = false;
        loop {
            news.borrow_and_update();
            let Some(agent) = self.agent.upgrade() else { return };
            let held = self.supply.hand_out(&self.plan.identity, agent.limits.wait).await.ok();
            let next = match &held {
                Some(hand_out) if hand_out.token.version() == self.written.load(Relaxed) => {
                    left(&hand_out.token)
                }
                Some(hand_out) => match self.write(hand_out) {
                    Ok(()) => {
                        is_told = false;
                        agent.counts.files_written.fetch_add(1, Relaxed);
                        self.audit(&agent, hand_out);
                        left(&hand_out.token)
                    }
                    Err(error) => {
                        agent.counts.files_failed.fetch_add(1, Relaxed);
                        if !std::mem::replace(&mut is_told, true) {
                            let what =
                                format_args!("{} cannot be written: {error}", self.plan.path.display());
                            agent.log.line(Severity::Warning, what, &[("identity", &self.plan.identity)]);
                        }
                        TRY_AGAIN
                    }
                },
                None => self.remove_if_expired(&agent),
            };
            drop((held, agent)); // neither is kept while nothing happens
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    fn write(&self, what: &HandOut) -> io::Result<()> {
        let bytes = match self.plan.format {
            FileFormat::Token => what.token.secret().as_bytes(),
            FileFormat::Json => &what.rendered.secret,
        };
        replace(&self.plan.path, bytes, self.plan.mode, self.plan.group)?;
        self.written.store(what.token.version(), Relaxed);
        Ok(())
    }

    /// Of a token that this process has written.
    fn remove_if_expired(&self, agent: &Agent) -> Duration {
        let is_valid = self.supply.provider.current().is_some();
        if !is_valid && self.written.swap(0, Relaxed) != 0 {
            let path = self.plan.path.display();
            let what = match fs::remove_file(&self.plan.path) {
                Ok(()) => format!("{path} is removed: its token has expired, and there is no other one"),
                Err(error) => format!("{path} has an expired token and cannot be removed: {error}"),
            };
            agent.log.line(Severity::Warning, what, &[("identity", &self.plan.identity)]);
        }
        TRY_AGAIN
    }

    fn audit(&self, agent: &Agent, what: &HandOut) {
        let (version, expires) = (what.token.version(), what.token.expires_unix_ms() / 1000);
        agent.log.record(
            Severity::Info,
            "a token was written to its file",
            &[
                ("audit", &"written"),
                ("file", &self.plan.path.display()),
                ("identity", &self.plan.identity),
                ("version", &version),
                ("expires_on", &expires),
            ],
        );
    }
}

/// Until it has expired.
fn left(token: &Token) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_millis(token.expires_unix_ms()).saturating_sub(now).max(TRY_AGAIN)
}

/// Puts a new file in the place of the old one: written beside it with its permissions, on disk, then renamed.
fn replace(path: &Path, bytes: &[u8], mode: u32, group: Option<u32>) -> io::Result<()> {
    let fresh = Fresh::beside(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh.0)?;
    give(&file, mode, group)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh.0, path)
}

/// To the group first: nobody reads it by the group's permission that another group has.
fn give(file: &File, mode: u32, group: Option<u32>) -> io::Result<()> {
    if let Some(group) = group {
        fchown(file, None, Some(Gid::from_raw(group)))?;
    }
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// A name beside the file's, under which nothing stays.
struct Fresh(PathBuf);

impl Fresh {
    fn beside(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::other("its path names no file"))?;
        let mut fresh = std::ffi::OsString::from(".");
        fresh.push(name);
        fresh.push(format!(".{}", std::process::id()));
        let fresh = path.with_file_name(fresh);
        let _ = fs::remove_file(&fresh); // what a process of this number left that was killed
        Ok(Self(fresh))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0); // it is not there if it took its place
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    /// A directory of a test's own, removed at its end.
    pub(crate) struct Folder(pub(crate) PathBuf);

    impl Folder {
        pub(crate) fn new() -> Self {
            static NEXT: AtomicU64 = AtomicU64::new(0);
            let number = NEXT.fetch_add(1, Relaxed);
            let path = std::env::temp_dir().join(format!("entrakey-agent-{}-{number}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_keeps_its_permissions_and_nothing_stays_beside_it() {
        let folder = Folder::new();
        let path = folder.0.join("redis.token");
        replace(&path, b"one", 0o640, None).unwrap();
        let reader = File::open(&path).unwrap();
        let first = fs::metadata(&path).unwrap();
        assert_eq!(first.mode() & 0o7777, 0o640);
        replace(&path, b"two", 0o600, None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(io::read_to_string(reader).unwrap(), "one", "who has the old one open reads on in it");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
        assert!(replace(&folder.0, b"three", 0o600, None).is_err(), "a directory is there");
        assert!(replace(&folder.0.join("no/such"), b"three", 0o600, None).is_err());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }
}
