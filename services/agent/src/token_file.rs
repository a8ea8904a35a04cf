//! Files that hold a token, for programs that can do no more than read one: PHP, Ruby, cron.
//!
//! A file is replaced as a whole, by a rename: whoever opens it has one token or the next, never parts of two. Readers open
//! it anew for each connection. The file of a token that has expired is removed: a reader that finds none knows more than
//! one that is refused. So is the file of whoever is not in the configuration any more.
//!
//! Disks hang: what touches them runs on threads of its own, and each file waits for nobody but itself.

use crate::agent::Agent;
use crate::audit;
use crate::header_secret::NONBLOCK;
use crate::identity::Identity;
use crate::plan::{FileFormat, TokenFilePlan};
use crate::supply::{HandOut, Supply};
use crate::write_beside::{Stamp, remove_left, stamp, write_beside};
use entrakey_core::read_claims;
use entrakey_service::{Log, Severity};
use rustix::fs::OFlags;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::{AbortHandle, JoinHandle, spawn_blocking};

/// How often it is looked whether a file is as it should be. It is also tried again then.
const PACE: Duration = Duration::from_secs(1);
/// A token's file has less.
const MOST_BYTES: u64 = 256 * 1024;

/// Those that are kept.
#[derive(Default)]
pub(crate) struct TokenFiles(Vec<Kept>);

struct Kept {
    plan: TokenFilePlan,
    /// Whose token is written: another provider of the same name is another one.
    of: Weak<Identity>,
    written: Arc<AtomicU64>,
    hand: Hand,
    task: AbortHandle,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What may touch a file. Held while something does; false once somebody else is to do so.
type Hand = Arc<Mutex<bool>>;

impl TokenFiles {
    /// Keeps these from now on. The files of others are removed.
    pub(crate) fn follow(
        &mut self,
        plans: &[TokenFilePlan],
        identities: &BTreeMap<String, Arc<Identity>>,
        agent: &Arc<Agent>,
    ) {
        let mut before = std::mem::take(&mut self.0);
        for plan in plans {
            let Some(identity) = identities.get(&plan.identity) else { continue };
            let is_same = |kept: &Kept| std::ptr::eq(kept.of.as_ptr(), Arc::as_ptr(identity));
            let at_path = before.iter().position(|kept| kept.plan.path == plan.path);
            let kept = match at_path.map(|at| before.swap_remove(at)) {
                Some(kept) if kept.plan == *plan && is_same(&kept) => kept,
                // Of the same identity, written in another way: it stays until it is replaced.
                Some(kept) => Kept::begin(plan, identity, agent, Some((kept.hand.clone(), !is_same(&kept)))),
                None => Kept::begin(plan, identity, agent, None),
            };
            self.0.push(kept);
        }
        for dropped in before {
            let (path, hand, log) = (dropped.plan.path.clone(), dropped.hand.clone(), agent.log.clone());
            spawn_blocking(move || {
                let_go(&hand);
                remove_token(&path, "it is not in the configuration any more", &log);
            });
        }
    }

    /// Of those whose identity `is_shown`.
    pub(crate) fn status(&self, is_shown: impl Fn(&str) -> bool) -> Vec<Value> {
        let shown = self.0.iter().filter(|kept| is_shown(&kept.plan.identity));
        let one = |kept: &Kept| {
            let path = kept.plan.path.display().to_string();
            json!({"path": path, "identity": kept.plan.identity, "version": kept.written.load(Relaxed)})
        };
        shown.map(one).collect()
    }
}

impl Kept {
    /// `before`: what has kept the file until now, and whether what is in it was another identity's.
    fn begin(
        plan: &TokenFilePlan,
        identity: &Arc<Identity>,
        agent: &Arc<Agent>,
        before: Option<(Hand, bool)>,
    ) -> Self {
        let (written, hand) = (Arc::<AtomicU64>::default(), Arc::new(Mutex::new(true)));
        let keeper = Keeper {
            plan: Arc::new(plan.clone()),
            supply: identity.own.clone(),
            agent: Arc::downgrade(agent),
            written: written.clone(),
            last: None,
            is_told: false,
            hand: hand.clone(),
        };
        // It is done even if another plan comes meanwhile. Should it then remove too much, that is written again.
        let (path, log) = (plan.path.clone(), agent.log.clone());
        let tidy = spawn_blocking(move || {
            if let Some((hand, is_anothers)) = before {
                let_go(&hand);
                if is_anothers {
                    remove_token(&path, "its identity is another one now", &log);
                }
            }
            remove_left(&path);
            remove_if_expired(&path, None, &log);
        });
        let task = tokio::spawn(keeper.run(tidy)).abort_handle();
        Self { plan: plan.clone(), of: Arc::downgrade(identity), written, hand, task }
    }
}

/// What keeps one file.
struct Keeper {
    plan: Arc<TokenFilePlan>,
    supply: Arc<Supply>,
    agent: Weak<Agent>,
    /// The version, for the status; 0 for none.
    written: Arc<AtomicU64>,
    last: Option<Written>,
    is_told: bool,
    hand: Hand,
}

/// What is in the file, as far as this process has written it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Written {
    version: u64,
    expires_on: u64,
    file: Stamp,
}

impl Keeper {
    async fn run(mut self, tidy: JoinHandle<()>) {
        let _ = tidy.await; // it does not panic
        let (supply, plan) = (self.supply.clone(), self.plan.clone());
        let mut news = self.supply.news();
        loop {
            news.borrow_and_update();
            let Some(agent) = self.agent.upgrade() else { return };
            let mut held = pin!(supply.hand_out(&plan.identity, agent.limits.wait));
            let outcome = loop {
                tokio::select! {
                    outcome = &mut held => break outcome,
                    () = tokio::time::sleep(PACE) => self.clear(&agent).await, // it may take longer than the old one lasts
                }
            };
            match outcome {
                Ok(hand_out) => self.keep(&agent, hand_out).await,
                Err(_) => self.clear(&agent).await, // the provider has said why
            }
            drop(agent); // it is not kept while nothing happens
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(PACE) => {}
            }
        }
    }

    /// Has the token in the file, which somebody may have removed or replaced.
    async fn keep(&mut self, agent: &Agent, what: HandOut) {
        let (version, expires_on) = (what.token.version(), what.rendered.expires_on);
        let (plan, hand, last, log) = (self.plan.clone(), self.hand.clone(), self.last, agent.log.clone());
        let what = Arc::new(what);
        let held = what.clone();
        let outcome = spawn_blocking(move || {
            let may = hand.lock().unwrap_or_else(PoisonError::into_inner);
            let is_there = last.is_some_and(|last| {
                (last.version, last.expires_on) == (version, expires_on)
                    && found(&plan.path) == Some(last.file)
            });
            if !*may || is_there {
                return Ok(None);
            }
            let written = write(&plan, &held).map(|file| Some(Written { version, expires_on, file }));
            if written.is_err() {
                remove_if_expired(&plan.path, last, &log);
            }
            written
        });
        match outcome.await.unwrap_or_else(|ended| Err(io::Error::other(ended))) {
            Ok(None) => {}
            Ok(written) => {
                self.last = written;
                self.written.store(version, Relaxed);
                self.is_told = false;
                agent.counts.files_written.fetch_add(1, Relaxed);
                audit::written(&agent.log, &self.plan, &what);
            }
            Err(error) => {
                agent.counts.files_failed.fetch_add(1, Relaxed);
                if !std::mem::replace(&mut self.is_told, true) {
                    let what = format_args!("{} cannot be written: {error}", self.plan.path.display());
                    agent.log.line(Severity::Warning, what, &[("identity", &self.plan.identity)]);
                }
            }
        }
    }

    /// There is no token to be had.
    async fn clear(&mut self, agent: &Agent) {
        let (plan, hand, last, log) = (self.plan.clone(), self.hand.clone(), self.last, agent.log.clone());
        let cleared = spawn_blocking(move || {
            let may = hand.lock().unwrap_or_else(PoisonError::into_inner);
            *may && remove_if_expired(&plan.path, last, &log)
        });
        if cleared.await.unwrap_or(false) {
            self.last = None;
            self.written.store(0, Relaxed);
        }
    }
}

/// Waits for what is being done to the file, and forbids anything more.
fn let_go(hand: &Hand) {
    *hand.lock().unwrap_or_else(PoisonError::into_inner) = false;
}

fn write(plan: &TokenFilePlan, what: &HandOut) -> io::Result<Stamp> {
    let bytes = match plan.format {
        FileFormat::Token => what.token.secret().as_bytes(),
        FileFormat::Json => &what.rendered.secret,
    };
    let fresh = write_beside(&plan.path, bytes, plan.mode, plan.group)?;
    let stamp = fresh.stamp;
    fresh.replace(&plan.path)?;
    Ok(stamp)
}

fn found(path: &Path) -> Option<Stamp> {
    fs::symlink_metadata(path).ok().map(|found| stamp(&found))
}

/// Whether the file's token had expired. `last` is what this process has written.
fn remove_if_expired(path: &Path, last: Option<Written>, log: &Log) -> bool {
    let is_ours = |last: &Written| found(path) == Some(last.file);
    let expires_on = last.filter(is_ours).map(|last| last.expires_on).or_else(|| expiry(path));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let is_expired = expires_on.is_some_and(|end| end <= now);
    if is_expired {
        remove(path, "its token has expired, and there is no other one", log);
    }
    is_expired
}

fn remove(path: &Path, why: &str, log: &Log) {
    let path_shown = path.display();
    match fs::remove_file(path) {
        Ok(()) => log.line(Severity::Warning, format_args!("{path_shown} is removed: {why}"), &[]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let what = format_args!("{path_shown} cannot be removed ({error}), and should be: {why}");
            log.line(Severity::Warning, what, &[]);
        }
    }
}

/// Not what is none, which somebody else has put there.
fn remove_token(path: &Path, why: &str, log: &Log) {
    if expiry(path).is_some() {
        remove(path, why, log);
    }
}

/// When the token in it ends, in seconds since 1970, whoever has written it. None of what is no token: it is not ours.
fn expiry(path: &Path) -> Option<u64> {
    let flags = NONBLOCK | OFlags::NOFOLLOW.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = zeroize::Zeroizing::new(String::new());
    file.take(MOST_BYTES).read_to_string(&mut text).ok()?;
    match serde_json::from_str::<Value>(&text) {
        Ok(secret) => secret["value"].as_str().and(secret["expires_on"].as_u64()),
        Err(_) => read_claims(&text)?["exp"].as_u64(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::path::PathBuf;

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
    fn only_what_holds_a_token_that_has_expired_is_removed() {
        let folder = Folder::new();
        let path = folder.0.join("redis");
        let log = Log::to_stderr(entrakey_service::Format::Human, Severity::Error).unwrap();
        let removed = |text: &str| {
            fs::write(&path, text).unwrap();
            remove_if_expired(&path, None, &log) && !path.exists()
        };
        // {"alg":"none"} and {"exp":1} or {"exp":4102444800}
        assert!(removed("eyJhbGciOiJub25lIn0.eyJleHAiOjF9.x"));
        assert!(!removed("eyJhbGciOiJub25lIn0.eyJleHAiOjQxMDI0NDQ4MDB9.x"));
        assert!(removed(r#"{"value": "t", "expires_on": 1}"#));
        for other in
            [r#"{"value": "t", "expires_on": 4102444800}"#, r#"{"expires_on": 1}"#, "mine", "", "a.b.c"]
        {
            assert!(!removed(other), "{other}");
        }
        let link = folder.0.join("link");
        fs::write(&path, r#"{"value": "t", "expires_on": 1}"#).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(!remove_if_expired(&link, None, &log), "what somebody has put there does not lead elsewhere");
    }
}
