//! Access policy assignments as resources: they have names, and take a while.

use super::lock;
use crate::redis::Plane;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// How often the resource says that it is being made before it is.
const POLLS: u32 = 2;

/// Where an assignment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// To be asked so many times more.
    Creating(u32),
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
}

/// Those that were made here, by name. The cache's other policies have names made of their object ids.
#[derive(Debug, Default)]
pub(crate) struct Assignments {
    made: Mutex<BTreeMap<String, (Wanted, State)>>,
    /// Deletions that are under way, and how often they are still to be asked for.
    operations: Mutex<BTreeMap<String, u32>>,
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
                wanted: Wanted { object_id, access },
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
    pub(crate) fn put(&self, redis: &Plane, name: &str, wanted: Wanted) -> Result<bool, AssignmentError> {
        let others = self.list(redis);
        let is_new = !others.iter().any(|one| one.name.eq_ignore_ascii_case(name));
        let taken = others.into_iter().find(|one| {
            one.wanted.object_id.eq_ignore_ascii_case(&wanted.object_id)
                && !one.name.eq_ignore_ascii_case(name)
        });
        if let Some(taken) = taken {
            return Err(AssignmentError::Taken(taken.name));
        }
        lock(&self.made).insert(name.to_owned(), (wanted, State::Creating(POLLS)));
        Ok(is_new)
    }

    /// Takes one away. The name of the operation, or none if there was no such assignment.
    pub(crate) fn delete(&self, redis: &Plane, name: &str) -> Option<String> {
        let found = self.list(redis).into_iter().find(|one| one.name.eq_ignore_ascii_case(name))?;
        lock(&self.made).remove(&found.name);
        redis.cache.policies.remove(&found.wanted.object_id);
        lock(&self.operations).insert(found.name.clone(), 1);
        Some(found.name)
    }

    /// Whether an operation is done; none if there is none.
    pub(crate) fn is_done(&self, operation: &str) -> Option<bool> {
        let mut operations = lock(&self.operations);
        let left = operations.get_mut(operation)?;
        let is_done = *left == 0;
        *left = left.saturating_sub(1);
        Some(is_done)
    }
}
