//! Whether a request may be run now: the questions that Redis asks, in its order.

use super::Connection;
use crate::redis::cluster::slot_of;
use crate::redis::commands::{self, Found, Outcome};
use crate::redis::options::ClusterPolicy;
use crate::redis::reply::Reply;
use bytes::Bytes;

pub(in crate::redis) const NO_AUTH: &str = "NOAUTH Authentication required.";
const CROSS_SLOT: &str = "CROSSSLOT Keys in request don't hash to the same slot";
const NO_CLUSTER: &str = "ERR This instance has cluster support disabled";

/// What the single endpoint of the Enterprise policy does across slots.
/// <https://learn.microsoft.com/azure/redis/architecture#cluster-policies>
const ACROSS_SLOTS: [&str; 6] = ["DEL", "MSET", "MGET", "EXISTS", "UNLINK", "TOUCH"];

impl Connection {
    /// Runs a request, queues it for EXEC, or says why not.
    pub(super) fn answer(&mut self, words: &[Bytes]) -> Outcome {
        let admitted = self.admit(words);
        let name = admitted.as_ref().map_or("", |found| found.command.name);
        let outcome = self.run_or_queue(admitted, words);
        self.forget_caching(name);
        outcome
    }

    fn run_or_queue(&mut self, admitted: Result<Found, Reply>, words: &[Bytes]) -> Outcome {
        match admitted {
            Err(refusal) if words.first().is_some_and(|name| name.eq_ignore_ascii_case(b"EXEC")) => {
                Outcome::Reply(self.abort(refusal))
            }
            Err(refusal) => {
                self.transaction.spoil(); // EXEC will not run what was to follow it
                Outcome::Reply(refusal)
            }
            Ok(found) if self.transaction.takes(found.command.name) => {
                self.transaction.push(words, found);
                self.show_transaction();
                Outcome::Reply(Reply::Simple("QUEUED"))
            }
            Ok(found) => self.run(found, words),
        }
    }

    pub(super) fn run(&mut self, found: Found, words: &[Bytes]) -> Outcome {
        self.client.note_command(found.index);
        if !found.command.is_about_connection() {
            self.session.count_command();
        }
        self.track_reads(&found, words);
        commands::run(&found, self, words)
    }

    pub(super) fn admit(&mut self, words: &[Bytes]) -> Result<Found, Reply> {
        let found = self.cache.commands.find(words)?;
        if self.protocol == 2 && self.subscriptions.any() && !found.command.is_for_subscribers() {
            return Err(commands::only_for_subscribers(&found.full_name()));
        }
        if self.session.is_authenticated() {
            self.permit(&found, words)?;
            self.place(&found, words)?;
        } else if !found.command.is_for_strangers() {
            return Err(Reply::error(NO_AUTH));
        }
        Ok(found)
    }

    /// The family's blocked commands, then the access policy.
    pub(super) fn permit(&mut self, found: &Found, words: &[Bytes]) -> Result<(), Reply> {
        let command = found.command;
        let second = words.get(1).map(AsRef::as_ref).unwrap_or_default();
        if self.cache.options.family.is_blocked(command.name.as_bytes(), second) {
            return Err(commands::unknown(words));
        }
        let Some(permissions) = self.session.permissions(&self.cache.policies).cloned() else {
            return Err(Reply::error(NO_AUTH));
        };
        if !command.is_for_strangers() && !permissions.permits_command(found.index, found.subcommand) {
            let (user, name) = (self.session.user(), found.full_name());
            return Err(Reply::error(format!(
                "NOPERM User {user} has no permissions to run the '{name}' command"
            )));
        }
        let writes = command.writes();
        if command.keys(words).any(|key| !permissions.permits_key(key, writes)) {
            return Err(Reply::error("NOPERM No permissions to access a key"));
        }
        if command.channels(words).any(|(channel, pattern)| !permissions.permits_channel(channel, pattern)) {
            return Err(Reply::error("NOPERM No permissions to access a channel"));
        }
        Ok(())
    }

    /// Whether this is the node that has the keys.
    fn place(&mut self, found: &Found, words: &[Bytes]) -> Result<(), Reply> {
        let (command, policy) = (found.command, self.cache.options.cluster_policy);
        if policy == ClusterPolicy::Enterprise && command.is_about_clusters() {
            return Err(Reply::error(NO_CLUSTER));
        }
        let mut slots = command.placed_by(words).map(|key| slot_of(key));
        let Some(slot) = slots.next() else { return Ok(()) };
        if slots.any(|other| other != slot)
            && !(policy == ClusterPolicy::Enterprise && ACROSS_SLOTS.contains(&command.name))
        {
            return Err(Reply::error(CROSS_SLOT));
        }
        if policy == ClusterPolicy::Enterprise {
            return Ok(());
        }
        match self.cache.topology.owner(slot) {
            Some(owner) if owner.id != self.node.id => Err(self.cache.topology.moved(slot, owner)),
            _ => Ok(()),
        }
    }

    /// Lets `CLIENT LIST` show how many commands are queued.
    pub(in crate::redis) fn show_transaction(&self) {
        self.client.details().queued = self.transaction.queued();
    }
}
