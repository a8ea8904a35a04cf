//! Who may have which token.

use crate::header_secret::are_same;
use crate::identity::{Identity, bare};
use crate::plan::ClientPlan;
use crate::rate::Rate;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use zeroize::Zeroizing;

/// A client service, and what it may have.
pub(crate) struct Client {
    pub(crate) name: String,
    secret: Option<Zeroizing<String>>,
    pub(crate) is_anybody_else: bool,
    uids: Vec<u32>,
    gids: Vec<u32>,
    identities: Option<Vec<String>>,
    resources: Vec<String>,
    pub(crate) rate: Arc<Rate>,
    pub(crate) handed_out: AtomicU64,
    pub(crate) unavailable: AtomicU64,
}

impl Client {
    pub(crate) fn new(plan: &ClientPlan, requests_per_second: u32) -> Self {
        Self {
            name: plan.name.clone(),
            secret: plan.secret.clone(),
            is_anybody_else: plan.is_anybody_else,
            uids: plan.uids.clone(),
            gids: plan.gids.clone(),
            identities: plan.identities.clone(),
            resources: plan.resources.iter().map(|one| bare(one).to_owned()).collect(),
            rate: Arc::new(Rate::new(requests_per_second)),
            handed_out: AtomicU64::new(0),
            unavailable: AtomicU64::new(0),
        }
    }

    /// Counts on from where another one was: a reload gives nobody more than it may have.
    pub(crate) fn go_on_from(&mut self, before: &Self) {
        self.rate = before.rate.clone();
        self.handed_out.store(before.handed_out.load(Relaxed), Relaxed);
        self.unavailable.store(before.unavailable.load(Relaxed), Relaxed);
    }

    /// Whether it may have that identity's tokens at all.
    pub(crate) fn may_have(&self, identity: &Identity) -> bool {
        self.identities.as_ref().is_none_or(|ids| ids.contains(&identity.id))
    }

    /// And for that resource, which is [`bare`].
    pub(crate) fn may_have_for(&self, identity: &Identity, resource: &str) -> bool {
        match self.resources.as_slice() {
            [] => identity.own.resource == resource,
            listed => listed.iter().any(|one| one == resource),
        }
    }

    /// And the token that the identity's own scope is for.
    pub(crate) fn may_have_own(&self, identity: &Identity) -> bool {
        self.may_have_for(identity, &identity.own.resource)
    }

    /// The identity that is meant when nobody says which: the first of its list, else the default one, or the only one.
    pub(crate) fn default_identity(&self, all: &BTreeMap<String, Arc<Identity>>) -> Option<Arc<Identity>> {
        if let Some(first) = self.identities.as_ref().and_then(|ids| ids.first()) {
            return all.get(first).cloned();
        }
        let only = (all.len() == 1).then(|| all.values().next()).flatten();
        all.values().find(|identity| identity.is_default()).or(only).cloned()
    }

    fn is_user(&self, uid: u32, gids: &[u32]) -> bool {
        self.uids.contains(&uid) || gids.iter().any(|gid| self.gids.contains(gid))
    }
}

/// All clients.
#[derive(Default)]
pub(crate) struct Clients(pub(crate) Vec<Arc<Client>>);

impl Clients {
    /// Whose secret it is. Every secret is compared, so that the time tells neither which nor how much of it fits.
    pub(crate) fn by_secret(&self, shown: &str) -> Option<&Arc<Client>> {
        let mut found = None;
        for client in &self.0 {
            if client.secret.as_ref().is_some_and(|secret| are_same(secret, shown)) {
                found = Some(client);
            }
        }
        found
    }

    /// Those that a process of this user and these groups is. Whom a client names is not anybody else too.
    pub(crate) fn of_user(&self, uid: u32, gids: &[u32]) -> Vec<Arc<Client>> {
        let (rest, named): (Vec<_>, Vec<_>) = self
            .0
            .iter()
            .filter(|client| client.is_user(uid, gids))
            .cloned()
            .partition(|client| client.is_anybody_else);
        if named.is_empty() { rest } else { named }
    }

    /// Whether any may use App Service's endpoint.
    pub(crate) fn has_secrets(&self) -> bool {
        self.0.iter().any(|client| client.secret.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str, secret: Option<&str>, uids: &[u32], gids: &[u32]) -> Arc<Client> {
        let secret = secret.map(|secret| Zeroizing::new(secret.to_owned()));
        let (uids, gids) = (uids.to_vec(), gids.to_vec());
        Arc::new(Client::new(
            &ClientPlan { name: name.to_owned(), secret, uids, gids, ..ClientPlan::default() },
            0,
        ))
    }

    #[test]
    fn a_client_is_known_by_its_secret_its_user_or_its_group() {
        let (a, b) = ("a".repeat(64), "b".repeat(64));
        let all = Clients(vec![
            client("php", Some(&a), &[33], &[]),
            client("cron", Some(&b), &[], &[50]),
            client("x", None, &[33], &[]),
        ]);
        let name = |secret: &str| all.by_secret(secret).map(|client| client.name.clone());
        assert_eq!((name(&a).as_deref(), name(&b).as_deref()), (Some("php"), Some("cron")));
        for wrong in ["", "a", &a[1..], &format!("{a}a"), &a.to_uppercase()] {
            assert_eq!(name(wrong), None);
        }
        let of = |uid, gids: &[u32]| {
            all.of_user(uid, gids).iter().map(|client| client.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(33, &[33]), ["php", "x"]);
        assert_eq!((of(1000, &[50]), of(1000, &[7, 50])), (vec!["cron".into()], vec!["cron".into()]));
        assert!(
            of(1000, &[33]).is_empty() && of(0, &[0]).is_empty() && of(50, &[]).is_empty(),
            "a uid is no gid, and root is nobody special"
        );
    }

    #[test]
    fn what_a_client_has_taken_is_taken_when_the_files_are_read_again() {
        let plan = ClientPlan { name: "php".to_owned(), ..ClientPlan::default() };
        let (before, mut after) = (Client::new(&plan, 1), Client::new(&plan, 1));
        while before.rate.take(None, true).is_ok() {}
        after.go_on_from(&before);
        assert!(after.rate.take(None, true).is_err());
    }

    #[test]
    fn whom_a_client_names_is_not_anybody_else_too() {
        let rest = ClientPlan {
            name: "default".to_owned(),
            uids: vec![0, 33],
            gids: vec![50],
            ..ClientPlan::default()
        };
        let rest = Arc::new(Client::new(&ClientPlan { is_anybody_else: true, ..rest }, 0));
        let all = Clients(vec![client("php", None, &[33], &[]), rest]);
        let of =
            |uid, gid| all.of_user(uid, &[gid]).iter().map(|client| client.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (of(33, 50), of(1000, 50), of(0, 0)),
            (vec!["php".into()], vec!["default".into()], vec!["default".into()])
        );
    }
}
