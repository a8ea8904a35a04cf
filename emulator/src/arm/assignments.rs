//! Access policy assignments as resources: they have names, and take a while.

use super::{ResourceManager, lock};
use crate::redis::Plane;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the resource says that it is being made before it is.
const POLLS: u32 = 2;

/// Where an assignment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be asked so many times more.
    Creating(u32),
    /// Until a time; the number tells it from a later one of the same name.
    CreatingFor(u64),
    DeletingFor(u64),
    Succeeded,
    /// The sentence says why.
    Failed(String),
}

/// What is assigned to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) object_id: String,
    /// As the cache's policies have it: `owner`, or rules.
    pub(crate) access: String,
    /// The policy of the cache's own that it is, by name.
    pub(crate) own: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) wanted: Wanted,
    pub(crate) state: State,
}

pub(crate) enum AssignmentError {
    /// The user has one already, of this name.
    Taken(String),
    /// It is being made or taken away.
    Busy,
}

/// A deletion, as its operation shows it.
#[derive(Clone, Copy, Debug)]
enum Deletion {
    /// To be asked for so many times more.
    Looks(u32),
    UnderWay,
    Done,
}

/// Those that were made here, by name. The cache's other policies have names made of their object ids.
#[derive(Debug, Default)]
pub(crate) struct Assignments {
    made: Mutex<BTreeMap<String, (Wanted, State)>>,
    /// By name, in small letters.
    operations: Mutex<BTreeMap<String, Deletion>>,
    /// How many were begun that take time.
    begun: AtomicU64,
}

fn name_of(object_id: &str) -> String {
    object_id.chars().filter(char::is_ascii_alphanumeric).collect()
}

impl Assignments {
    /// All of them.
    pub(crate) fn list(&self, redis: &Plane) -> Vec<Assignment> {
        let made = lock(&self.made).clone();
        let is_made = |object_id: &str| made.values().any(|(wanted, _)| wanted.object_id == object_id);
        let policies = redis.cache.policies.list().into_iter();
        let others =
            policies.filter(|(object_id, _)| !is_made(object_id)).map(|(object_id, access)| Assignment {
                name: name_of(&object_id),
                wanted: Wanted { object_id, access, own: None },
                state: State::Succeeded,
            });
        let others: Vec<_> = others.collect();
        let made = made.into_iter().map(|(name, (wanted, state))| Assignment { name, wanted, state });
        made.chain(others).collect()
    }

    /// One of them, which comes nearer to its end by being asked for.
    pub(crate) async fn get(&self, redis: &Plane, name: &str) -> Option<Assignment> {
        let due = {
            let mut made = lock(&self.made);
            match made.get_mut(name) {
                Some((wanted, State::Creating(0))) => Some(wanted.clone()),
                Some((_, State::Creating(left))) => {
                    *left -= 1;
                    None
                }
                _ => None,
            }
        };
        if let Some(wanted) = due {
            let assigned = redis.assign(&wanted.object_id, &wanted.access).await;
            let state = assigned.map_or_else(State::Failed, |_| State::Succeeded);
            lock(&self.made).insert(name.to_owned(), (wanted, state));
        }
        self.list(redis).into_iter().find(|one| one.name.eq_ignore_ascii_case(name))
    }

    /// Begins to make one, or to change one. True if it is new.
    pub(crate) fn put(
        self: &Arc<Self>,
        manager: &ResourceManager,
        name: &str,
        wanted: Wanted,
    ) -> Result<bool, AssignmentError> {
        let same = |one: &&Assignment| one.name.eq_ignore_ascii_case(name);
        let all = self.list(&manager.redis);
        let mine = all.iter().find(same);
        if mine.is_some_and(Assignment::is_busy) {
            return Err(AssignmentError::Busy);
        }
        let same_user =
            |one: &&Assignment| one.wanted.object_id.eq_ignore_ascii_case(&wanted.object_id) && !same(one);
        if let Some(taken) = all.iter().find(same_user) {
            return Err(AssignmentError::Taken(taken.name.clone()));
        }
        if let Some(before) = mine.filter(|mine| mine.wanted.object_id != wanted.object_id) {
            manager.redis.cache.policies.remove(&before.wanted.object_id);
        }
        let is_new = mine.is_none();
        match manager.done_at() {
            None => drop(lock(&self.made).insert(name.to_owned(), (wanted, State::Creating(POLLS)))),
            Some(at) => self.begin(manager, at, name, wanted, State::CreatingFor),
        }
        Ok(is_new)
    }

    /// Takes one away. The name of the operation, or none if there was no such assignment.
    pub(crate) fn delete(
        self: &Arc<Self>,
        manager: &ResourceManager,
        name: &str,
    ) -> Result<Option<String>, AssignmentError> {
        let all = self.list(&manager.redis);
        let Some(found) = all.into_iter().find(|one| one.name.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        if found.is_busy() {
            return Err(AssignmentError::Busy);
        }
        let begun = match manager.done_at() {
            None => {
                lock(&self.made).remove(&found.name);
                manager.redis.cache.policies.remove(&found.wanted.object_id);
                Deletion::Looks(1)
            }
            Some(at) => {
                self.begin(manager, at, &found.name, found.wanted, State::DeletingFor);
                Deletion::UnderWay
            }
        };
        let operation = found.name.to_ascii_lowercase();
        lock(&self.operations).insert(operation.clone(), begun);
        Ok(Some(operation))
    }

    /// What happens by itself, whether anybody looks or not.
    fn begin(
        self: &Arc<Self>,
        manager: &ResourceManager,
        at: Duration,
        name: &str,
        wanted: Wanted,
        state: fn(u64) -> State,
    ) {
        let begun = state(self.begun.fetch_add(1, Ordering::Relaxed));
        lock(&self.made).insert(name.to_owned(), (wanted.clone(), begun.clone()));
        let (all, redis, clock) = (self.clone(), manager.redis.clone(), manager.tenant.clock.clone());
        let name = name.to_owned();
        tokio::spawn(async move {
            clock.reached(at).await;
            all.finish(&redis, &name, wanted, &begun).await;
        });
    }

    async fn finish(&self, redis: &Plane, name: &str, wanted: Wanted, begun: &State) {
        let is_current = lock(&self.made).get(name).is_some_and(|(_, state)| state == begun);
        if !is_current {
            return;
        }
        if matches!(begun, State::DeletingFor(_)) {
            redis.cache.policies.remove(&wanted.object_id);
            lock(&self.made).remove(name);
            lock(&self.operations).insert(name.to_ascii_lowercase(), Deletion::Done);
            return;
        }
        let assigned = redis.assign(&wanted.object_id, &wanted.access).await;
        let state = assigned.map_or_else(State::Failed, |_| State::Succeeded);
        lock(&self.made).insert(name.to_owned(), (wanted, state));
    }

    /// Whether an operation is done; none if there is none.
    pub(crate) fn is_done(&self, operation: &str) -> Option<bool> {
        let mut operations = lock(&self.operations);
        let deletion = operations.get_mut(operation)?;
        let is_done = matches!(deletion, Deletion::Looks(0) | Deletion::Done);
        if let Deletion::Looks(left) = deletion {
            *left = left.saturating_sub(1);
        }
        Some(is_done)
    }
}

impl Assignment {
    /// Whether it is on the way, for a time, to be made or taken away.
    fn is_busy(&self) -> bool {
        matches!(self.state, State::CreatingFor(_) | State::DeletingFor(_))
    }
}
